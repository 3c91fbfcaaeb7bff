'use strict'

// A batch from its last octet to its answer: read, admitted, on disk, claimed, handed on. Only what is on disk and
// claimed is called queued; what fails before it is on disk leaves nothing behind.

const { BatchError, parseBatch } = require('./batch_format')
const { Refusal } = require('./hook')
const log = require('./log')

const HEADER_END = '\r\n\r\n'
const MEDIA_TYPE = /^content-type:[ \t]*application\/vnd\.kibamail\.batch[ \t]*;[ \t]*version=1[ \t]*\r?$/im

/** `reason` in a word, for the metrics. */
class BatchRefusal extends Refusal {
    constructor(reason, code, enhanced, text) {
        super(code, enhanced, text)
        this.reason = reason
    }
}

class Intake {
    /**
     * @param {object} parts
     * @param {import('./mail_spool').MailSpool} parts.spool
     * @param {import('./claims').Claims} parts.claims
     * @param {import('./records').Records} parts.records
     * @param {string} parts.edge our name
     * @param {(mails: object[]) => void} parts.tellAccepted
     * @param {() => {take(mails: object[]): void, takeSent(mails: object[]): void, takeUnknown(mails: object[]): void}} parts.dispatcher sends
     */
    constructor({ spool, claims, records, edge, tellAccepted, dispatcher }) {
        this.spool = spool
        this.claims = claims
        this.records = records
        this.edge = edge
        this.tellAccepted = tellAccepted
        this.dispatcher = dispatcher
    }

    /**
     * @param {Buffer} text a header that names the media type, and the document
     * @returns {Promise<{batch: import('./batch_format').Batch, results: string[]}>} one result a mail
     * @throws {BatchRefusal} where the batch is not taken
     */
    async take(text) {
        const batch = await this.examine(text)
        this.#admit(batch)
        if (batch.mails.length === 0) return { batch, results: this.#results(batch, new Map()) }
        await this.#write(batch)
        const elsewhere = await this.#claim(batch)
        // Behind the answer, which is written at once.
        setImmediate(() => this.#handOn(batch.mails, elsewhere))
        return { batch, results: this.#results(batch, elsewhere) }
    }

    /** To be called once, at the start: takes up what an earlier life left, as soon as Redis answers. */
    async recover() {
        const { left } = this.spool
        this.spool.left = []
        const of = (wanted) => left.filter(({ fate }) => fate === wanted).map(({ mail }) => mail)
        this.dispatcher().takeSent(of('sent'))
        this.dispatcher().takeUnknown(of('unknown'))
        await Promise.all(byBatch(of('send')).map((mails) => this.#takeUp(mails)))
    }

    async #takeUp(mails) {
        const elsewhere = await this.claims.takeUp(mails)
        // Of these nobody could know before that they are ours.
        this.tellAccepted(mails.filter((mail) => mail.isKeyed && !elsewhere.has(mail)))
        this.#handOn(mails, elsewhere)
    }

    /**
     * @param {Buffer} text the same
     * @returns {Promise<import('./batch_format').Batch>} one whose domain is its team's; nothing of it is taken
     * @throws {BatchRefusal}
     */
    async examine(text) {
        const batch = read(text)
        const { teamId, domain } = batch
        if (this.claims.areAway) throw new BatchRefusal('redis', 451, '4.3.0', 'Redis is away; try again')
        const record = await this.#record(domain)
        if (!record) {
            throw new BatchRefusal('domain', 451, '4.7.5', `${domain} has no signing key here yet`)
        }
        if (record.teamId !== teamId) {
            throw new BatchRefusal('domain', 554, '5.7.1', `${domain} is not a domain of team ${teamId}`)
        }
        return batch
    }

    // Nothing is waited for from here to `write`, so that two batches cannot share the last room.
    #admit({ id, teamId, mails, document }) {
        if (this.spool.has(id)) {
            throw new BatchRefusal('repeated', 451, '4.3.0', `Batch ${id} is here already; use a new id`)
        }
        const full = this.spool.admits(teamId, mails.length, document.length)
        if (full) throw new BatchRefusal('spool', 452, '4.3.1', full)
    }

    async #record(domain) {
        try {
            return await this.records.domain(domain)
        } catch (err) {
            log.error('batch postponed', { reason: err.message, domain })
            throw new BatchRefusal('redis', 451, '4.3.0', `${domain} cannot be looked up; try again`)
        }
    }

    async #write(batch) {
        try {
            await this.spool.write(batch)
        } catch (err) {
            log.error('batch not written', { batch: batch.id, reason: err.message })
            throw new BatchRefusal('disk', 452, '4.3.1', 'The spool cannot be written to; try again later')
        }
    }

    async #claim(batch) {
        try {
            return await this.claims.take(batch.mails)
        } catch (err) {
            // Some may be claimed. The batch stays, and is sent or dropped when Redis says whose its mails are.
            log.warning('batch waits for its claims', { batch: batch.id, reason: err.message })
            this.#claimAgain(batch.mails)
            throw new BatchRefusal('redis', 451, '4.3.0', 'Redis did not answer; try again')
        }
    }

    async #claimAgain(mails) {
        this.#handOn(mails, await this.claims.takeAgain(mails))
    }

    #handOn(mails, elsewhere) {
        for (const mail of elsewhere.keys()) this.spool.done(mail)
        const ours = mails.filter((mail) => !elsewhere.has(mail))
        if (ours.length) this.dispatcher().take(ours)
    }

    #results({ mails, refused, size }, elsewhere) {
        const results = new Array(size)
        for (const mail of mails) {
            const edge = elsewhere.get(mail)
            results[mail.index] = edge === undefined ? `queued ${this.edge}` : `duplicate ${edge}`
        }
        for (const { index, code, enhanced, text } of refused) {
            results[index] = `refused ${code} ${enhanced} ${text}`
        }
        return results
    }
}

function read(text) {
    const end = text.indexOf(HEADER_END)
    if (end === -1 || !MEDIA_TYPE.test(text.latin1Slice(0, end))) {
        throw new BatchRefusal(
            'format',
            554,
            '5.6.1',
            'Only application/vnd.kibamail.batch; version=1 is taken here',
        )
    }
    try {
        const batch = parseBatch(text.subarray(end + HEADER_END.length))
        if (batch.submitter === null && !batch.isReport) return batch
        throw new BatchError('5.6.0', 'Only the edge writes "submitter" and "report", into its own spool')
    } catch (err) {
        if (!(err instanceof BatchError)) throw err
        throw new BatchRefusal('format', 554, err.enhanced, err.message)
    }
}

function byBatch(mails) {
    const batches = new Map()
    for (const mail of mails) {
        if (!batches.has(mail.batch)) batches.set(mail.batch, [])
        batches.get(mail.batch).push(mail)
    }
    return [...batches.values()]
}

/**
 * The lines of the answer (docs/batch-format.md).
 * @param {{batch: {id: string}, results: string[]}} taken as `Intake.take` gives it
 */
function answerLines({ batch, results }) {
    const lines = []
    let first = 0
    results.forEach((result, index) => {
        if (result === results[index + 1]) return
        lines.push(`${first}-${index} ${result}`)
        first = index + 1
    })
    lines.push(`batch ${batch.id} ${results.length}`)
    return lines
}

module.exports = { Intake, BatchRefusal, answerLines }
