'use strict'

// Whose submission of a mail counts: the first that was claimed. A claim is a Redis key that the batch names for each
// mail (names.js), and holds `<message id>:<edge>:<batch id>`. It is set after the batch is on disk and before the
// worker hears 250: whoever submits the mail again, there or elsewhere, hears that it is a duplicate.

const { setTimeout: sleep } = require('node:timers/promises')

const { waitingFor } = require('./backpressure')
const log = require('./log')
const names = require('./names')

const RETRY_MS = 1000
const LOST = 'LOST'

// A Redis that has lost its data knows no claim. Those of broadcasts are set again from the ledger
// (sidecars/broadcasts/claims.py), which knows no batch: `<message id>:<edge>:`. Till that is done none is made.
//
// KEYS: the claims. ARGV: `:<edge>:<batch id>`, seconds, which of the claims found are our own (OWN), the message ids in
// one text, as each argument has a price, and a key without which no claim is made, if any. Answers with pairs of a
// mail's number, from 0, and who holds it.
const CLAIM = `
    if ARGV[5] ~= '' and redis.call('EXISTS', ARGV[5]) == 0 then
        return redis.error_reply('${LOST} the data of Redis are lost, and not written again yet')
    end
    local held = {}
    for i, key in ipairs(KEYS) do
        local ours = string.sub(ARGV[4], 36 * i - 35, 36 * i) .. ARGV[1]
        local found = redis.call('SET', key, ours, 'NX', 'GET', 'EX', ARGV[2])
        if found and ARGV[3] == 'left' and found == string.match(ours, '^.*:') then
            redis.call('SET', key, ours, 'EX', ARGV[2])
        elseif found and not (found == ours and ARGV[3] ~= 'none') then
            held[#held + 1] = i - 1
            held[#held + 1] = found
        end
    end
    return held`

// `left`: that of the ledger too, as it stands for a mail that our spool has.
const OWN = { none: 'none', batch: 'batch', left: 'left' }

class Claims {
    #areLost = false // till one is made

    /** @param {{redis: import('ioredis').Redis, edge: string, ttl: number}} options ttl in seconds */
    constructor({ redis, edge, ttl }) {
        this.redis = redis
        this.edge = edge
        this.ttl = ttl
        redis.defineCommand('claimBatch', { lua: CLAIM })
    }

    /** Whether it is known that no claim can be made now. */
    get areAway() {
        return this.#areLost || this.redis.status !== 'ready'
    }

    /**
     * @param {import('./spooled_mail').SpooledMail[]} mails of one batch
     * @returns {Promise<Map<import('./spooled_mail').SpooledMail, string>>} those that another submission has, with
     *   the name of its edge. All others are claimed
     * @throws where Redis did not answer: any of them may be claimed or not
     */
    take(mails) {
        return this.#claim(mails, OWN.none)
    }

    /** The same for mails that this process may have claimed: tries until Redis answers. */
    takeAgain(mails) {
        return this.#claimAtLast(mails, OWN.batch)
    }

    /** The same for mails that an earlier life of this edge may have claimed. */
    takeUp(mails) {
        return this.#claimAtLast(mails, OWN.left)
    }

    async #claimAtLast(mails, own) {
        for (;;) {
            try {
                return await this.#claim(mails, own)
            } catch (err) {
                log.warning('claims postponed', { batch: mails[0].batch.id, reason: err.message })
                await sleep(RETRY_MS, undefined, { ref: false })
            }
        }
    }

    async #claim(mails, own) {
        const held = await waitingFor('redis', () => this.#ask(mails, own))
        const elsewhere = new Map()
        for (let i = 0; i < held.length; i += 2) elsewhere.set(mails[held[i]], edgeOf(held[i + 1]))
        return elsewhere
    }

    async #ask(mails, own) {
        const { batch } = mails[0]
        const isOfBroadcast = batch.broadcastId > 0
        try {
            const held = await this.redis.claimBatch(
                mails.length,
                ...mails.map(({ claimKey }) => claimKey),
                `:${this.edge}:${batch.id}`,
                this.ttl,
                own,
                mails.map(({ messageId }) => messageId).join(''),
                isOfBroadcast ? names.EDGE_RECORDS_KEY : '',
            )
            if (isOfBroadcast) this.#areLost = false
            return held
        } catch (err) {
            if (err.message.startsWith(LOST)) this.#areLost = true
            throw err
        }
    }
}

/** `<message id>:<edge>:<batch id>` → edge */
const edgeOf = (holder) => holder.split(':')[1]

module.exports = { Claims }
