'use strict'

// One mail in the spool: what a line of its batch says, and slices of the batch's document. What all mails of a
// batch share is kept once, in the batch.

const names = require('./names')

class SpooledMail {
    #start // of the values, in the document
    #lengths

    /**
     * @param {import('./batch_format').Batch} batch
     * @param {number} index in the batch, from 0; mails that were refused count too
     * @param {object} fields
     * @param {number} start
     * @param {number[]} lengths
     */
    constructor(batch, index, fields, start, lengths) {
        this.batch = batch
        this.index = index
        this.messageId = fields.messageId
        this.contactId = fields.contactId
        this.claimKey = fields.claimKey
        this.template = fields.template
        this.sender = fields.sender
        this.recipient = fields.recipient
        this.smtputf8 = fields.smtputf8
        this.subject = fields.subject
        this.said = fields.said
        this.#start = start
        this.#lengths = lengths
    }

    get teamId() {
        return this.batch.teamId
    }

    /** 0 for a mail of no broadcast. */
    get broadcastId() {
        return this.batch.broadcastId
    }

    /** @returns {'broadcast' | 'transactional'} */
    get stream() {
        return this.batch.stream
    }

    /** The author's domain, whose key signs. */
    get domain() {
        return this.batch.domain
    }

    /** Whether its DKIM-Signature is in it already. */
    get signed() {
        return this.batch.signed
    }

    /** When the edge took it, in milliseconds since 1970. */
    get queuedAt() {
        return this.batch.queuedAt
    }

    /** Its name in the journal. */
    get key() {
        return `${this.batch.id}/${this.index}`
    }

    /** Whether it has an idempotency key of its submitter's: another submission may have been claimed in its place. */
    get isKeyed() {
        return this.claimKey !== names.emailClaimKey(this.messageId) && this.batch.submitter !== null
    }

    /** What was said of it for its events, undefined where nothing. */
    get tag() {
        return this.said?.tag ?? this.batch.tag
    }

    get metadata() {
        return this.said?.metadata ?? this.batch.metadata
    }

    /** @returns {Buffer[]} its own values, one fewer than its template has chunks; slices, not copies */
    values() {
        const values = []
        let start = this.#start
        for (const length of this.#lengths)
            values.push(this.batch.document.subarray(start, (start += length)))
        return values
    }

    /** @returns {Buffer[]} the mail: chunk, value, chunk … chunk. Its lines end in CRLF; no dot is stuffed */
    parts() {
        const { chunks } = this.template
        const parts = [chunks[0]]
        this.values().forEach((value, i) => parts.push(value, chunks[i + 1]))
        return parts
    }

    /** How many octets the mail has. */
    get size() {
        return this.#lengths.reduce((total, length) => total + length, this.template.size)
    }
}

module.exports = { SpooledMail }
