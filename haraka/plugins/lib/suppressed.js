'use strict'

// Whom a team must not write to, as it stands in Redis (sidecars/edge/suppressed.py): a keyed digest of each address, so
// that many cost little and those that were erased stay unknown → what keeps it from the team's mail.

const { createHmac, createSecretKey } = require('node:crypto')

const { waitingFor } = require('./backpressure')
const { Refusal } = require('./hook')
const log = require('./log')
const names = require('./names')
const { STREAMS } = require('./submission_options')

const DIGEST_BYTES = 8

// A Redis that has lost its data knows nobody. KEYS: the team's, and the key without which nothing is known. ARGV: the
// address' digest.
const LOOK_UP = `
    if redis.call('EXISTS', KEYS[2]) == 0 then
        return redis.error_reply('LOST the data of Redis are lost, and not written again yet')
    end
    return redis.call('HGET', KEYS[1], ARGV[1])`

/**
 * @typedef {object} Suppression
 * @property {string} stream all, broadcast or transactional
 * @property {string} reason
 * @property {string} [since] ISO date; undefined where nobody may know
 * @property {number} [until] seconds since 1970; undefined: for ever
 */

class Suppressed {
    /** @param {{redis: import('ioredis').Redis, secret: string}} options */
    constructor({ redis, secret }) {
        this.redis = redis
        this.key = createSecretKey(secret, 'utf8')
        redis.defineCommand('suppressedOf', { lua: LOOK_UP, numberOfKeys: 2 })
    }

    /**
     * @returns {Promise<Suppression[]>} what keeps the team from writing to the address now
     * @throws where Redis does not answer, or has lost its data
     */
    async of(teamId, address) {
        const keys = [names.suppressedKey(teamId), names.EDGE_RECORDS_KEY]
        const found = await waitingFor('redis', () =>
            this.redis.suppressedOf(...keys, this.#digestOf(address)),
        )
        return found === null ? [] : suppressionsIn(found)
    }

    /**
     * @param {{teamId: number, recipient: string, stream: string}} mail that was submitted
     * @returns {Promise<Refusal | null>} null: it may go; also where Redis cannot tell, as it was looked at before
     */
    async refusalOf({ teamId: id, recipient, stream }) {
        try {
            const found = new Map([[recipient, await this.of(id, recipient)]])
            return refusalOfMail([recipient], found, stream, { id })
        } catch (err) {
            log.debug('suppressions not looked at', { team_id: id, reason: err.message })
            return null
        }
    }

    #digestOf(address) {
        const hmac = createHmac('sha256', this.key).update(`erased address\0${address.trim().toLowerCase()}`)
        return hmac.digest().subarray(0, DIGEST_BYTES).toString('base64url')
    }
}

function suppressionsIn(text) {
    const found = text.split(',').map((each) => {
        const [stream, reason, since, until] = each.split(' ')
        return { stream, reason, since, until: until && Number(until) }
    })
    return found.filter(({ until }) => until === undefined || until > Date.now() / 1000)
}

/** @returns {Refusal | null} null: mail of one stream at least may go there */
function refusalOfRecipient(address, found, { id, onlyStream }) {
    const kept = (onlyStream ? [onlyStream] : STREAMS).map((stream) => keeping(found, stream))
    return kept.includes(undefined) ? null : refusal(`${address} is suppressed for team ${id}`, kept[0])
}

/**
 * All or nothing: so who submits learns of each recipient at once.
 * @param {string[]} addresses
 * @param {Map<string, Suppression[]>} found of some of them
 * @returns {Refusal | null}
 */
function refusalOfMail(addresses, found, stream, { id }) {
    const kept = addresses.filter((address) => keeping(found.get(address) ?? [], stream))
    if (kept.length === 0) return null
    const others = kept.length > 1 ? ` (and ${kept.length - 1} more of its recipients)` : ''
    const rest = addresses.length > kept.length ? '. Nobody got the mail: submit it to the others alone' : ''
    const what = `${kept[0]} is suppressed for ${stream} mail of team ${id}${others}`
    return refusal(what, keeping(found.get(kept[0]), stream), rest)
}

const keeping = (found, stream) => found.find((each) => each.stream === 'all' || each.stream === stream)

/** Of an erased address nothing may be known but that. */
function refusal(what, { reason, since }, then = '') {
    const why = since ? `: ${reason} since ${since}; see GET /v1/suppressions` : ''
    return new Refusal(550, '5.7.1', what + why + then)
}

module.exports = { Suppressed, refusalOfMail, refusalOfRecipient }
