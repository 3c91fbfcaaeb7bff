'use strict'

// Reads a batch document (docs/batch-format.md): many mails, what they share written once. A mail that breaks a
// rule is refused by itself; a document of which nobody could say where a mail begins is refused as a whole.

const { MailTemplate } = require('./mail_template')
const names = require('./names')
const { SpooledMail } = require('./spooled_mail')

const VERSION = 1
const MAX_MAILS = 5000
const STREAMS = ['broadcast', 'transactional']
const MAIL_FIELDS = 9 // and one more where an app said something of the mail

const CR = 0x0d
const LF = 0x0a
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HOSTNAME = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/
// RFC 5321 section 4.1.2, without blanks, brackets and backslashes.
const ADDRESS = /^(?:[a-z0-9_.!#$%&'*+/=?^`{|}~-]+|"[!#-;=?-[\]-~]+")@[a-z0-9.-]+$/i
// The same with UTF-8 (RFC 6531 section 3.3), without other blanks, controls and halves of characters.
const UTF8_ADDRESS =
    /^(?!.*[\s\p{Z}\p{Cc}\p{Cs}])(?:[^\0-\x20"(),:;<>@[\\\]]+|"[^\0-\x20"<>\\]+")@[a-z0-9.\u0080-\u{10ffff}-]+$/iu
const LONGEST_ADDRESS = 254 // RFC 5321 section 4.5.3.1.3, without the brackets

/** The document cannot be a batch. `enhanced` as in RFC 3463; the message says what is wrong with it. */
class BatchError extends Error {
    constructor(enhanced, text) {
        super(text)
        this.enhanced = enhanced
    }
}

/**
 * @typedef {object} Refused a mail that breaks a rule
 * @property {number} index in the batch, from 0
 * @property {number} code of RFC 5321
 * @property {string} enhanced
 * @property {string} text
 */

class Batch {
    /** @type {SpooledMail[]} */
    mails = []
    /** @type {Refused[]} */
    refused = []

    constructor(document, queuedAt, fields) {
        this.document = document
        this.queuedAt = queuedAt
        this.id = fields.id
        this.teamId = fields.team_id
        this.broadcastId = fields.broadcast_id
        this.stream = fields.stream
        this.domain = fields.domain
        this.returnPath = fields.return_path_domain
        this.signed = fields.signed
        /** Who submitted the mails by SMTP and is told if they fail, '' for nobody; null: they were not submitted. */
        this.submitter = fields.submitter ?? null
        /** Whether it is such a report itself: it has no envelope sender, and no events. */
        this.isReport = fields.report ?? false
        // What a submitter said of the mails, undefined where nothing; a worker says it of each mail.
        const { tag, metadata, send_at: sendAt } = this.submitter === null ? {} : fields
        Object.assign(this, { tag, metadata, sendAt })
        this.templates = []
    }

    /** How many mails the document holds, the refused ones too. */
    get size() {
        return this.mails.length + this.refused.length
    }
}

/** Reads a document from its beginning to its end. */
class Reader {
    at = 0

    constructor(document) {
        this.document = document
    }

    /** @returns {any} what the next line says in JSON */
    json(what) {
        const end = this.document.indexOf(LF, this.at)
        if (this.document[end - 1] !== CR) {
            throw new BatchError('5.6.0', `${what} is missing, or does not end in CRLF`)
        }
        const line = this.document.toString('utf8', this.at, end - 1)
        this.at = end + 1
        try {
            return JSON.parse(line)
        } catch {
            throw new BatchError('5.6.0', `${what} is not JSON`)
        }
    }

    /** Steps over pieces of these lengths and the CRLF behind them; returns where they begin. */
    skip(lengths, what) {
        const start = this.at
        for (const length of lengths) this.at += length
        if (this.document[this.at] !== CR || this.document[this.at + 1] !== LF) {
            throw new BatchError('5.6.0', `The lengths of ${what} do not add up`)
        }
        this.at += 2
        return start
    }

    finish() {
        if (this.at !== this.document.length)
            throw new BatchError('5.6.0', 'Something comes behind the last mail')
    }
}

/**
 * @param {Buffer} document is kept: the mails are slices of it
 * @param {number} [queuedAt] when the edge took it, in milliseconds since 1970
 * @returns {Batch}
 * @throws {BatchError}
 */
function parseBatch(document, queuedAt = Date.now()) {
    const reader = new Reader(document)
    const fields = checkedFields(reader.json('The first line'))
    const batch = new Batch(document, queuedAt, fields)
    readTemplates(reader, batch, fields.templates)
    const indexOfClaim = new Map()
    for (let index = 0; index < fields.mails; index++) readMail(reader, batch, index, indexOfClaim)
    reader.finish()
    return batch
}

function checkedFields(fields) {
    const wrong = (name, what) => new BatchError('5.6.0', `"${name}" must be ${what}`)
    if (fields?.v !== VERSION) throw wrong('v', VERSION)
    if (!isUuid(fields.id)) throw wrong('id', 'a UUID in lower case')
    if (!isCount(fields.team_id) || fields.team_id === 0) throw wrong('team_id', 'a whole number above 0')
    if (!isCount(fields.broadcast_id)) throw wrong('broadcast_id', 'a whole number; 0 for none')
    if (!STREAMS.includes(fields.stream)) throw wrong('stream', 'broadcast or transactional')
    const isSubmitted = isText(fields.submitter)
    if (!isSubmitted && fields.broadcast_id > 0 && fields.stream !== 'broadcast') {
        throw wrong('stream', 'broadcast with a broadcast_id')
    }
    for (const name of ['domain', 'return_path_domain']) {
        if (!isText(fields[name]) || !HOSTNAME.test(fields[name]))
            throw wrong(name, 'a host name in lower case')
    }
    if (typeof fields.signed !== 'boolean') throw wrong('signed', 'true or false')
    if (!isSubject(fields.submitter ?? null)) throw wrong('submitter', 'a text, or null')
    if (typeof (fields.report ?? false) !== 'boolean') throw wrong('report', 'true or false')
    if (!Array.isArray(fields.templates) || !fields.templates.every(isTemplate)) {
        throw wrong('templates', 'objects of "subject" and "chunks", the lengths')
    }
    if (!isCount(fields.mails) || fields.mails === 0 || fields.mails > MAX_MAILS) {
        throw wrong('mails', `a whole number from 1 to ${MAX_MAILS}`)
    }
    return fields
}

const isText = (value) => typeof value === 'string'
const isUuid = (value) => isText(value) && UUID.test(value)
const isCount = (value) => Number.isSafeInteger(value) && value >= 0
const isSubject = (value) => value === null || isText(value)
const isLengths = (value) => Array.isArray(value) && value.every(isCount)
const isLine = (value) =>
    Array.isArray(value) &&
    isLengths(value[MAIL_FIELDS - 1]) &&
    (value.length === MAIL_FIELDS || (value.length === MAIL_FIELDS + 1 && isSaid(value[MAIL_FIELDS])))
const isSaid = (value) => isSubject(value?.tag) && isWords(value.metadata)
const isWords = (value) => value !== null && typeof value === 'object' && Object.values(value).every(isText)
const isTemplate = (value) => isSubject(value?.subject) && isLengths(value.chunks) && value.chunks.length > 0

function readTemplates(reader, batch, templates) {
    let start = reader.skip(
        templates.flatMap(({ chunks }) => chunks),
        'the chunks',
    )
    const isOurs = batch.submitter !== null || batch.isReport
    for (const { subject, chunks } of templates) {
        const slices = chunks.map((length) => batch.document.subarray(start, (start += length)))
        batch.templates.push(new MailTemplate(subject, slices, isOurs ? null : batch.domain))
    }
}

function readMail(reader, batch, index, indexOfClaim) {
    const line = reader.json(`The line of mail ${index}`)
    if (!isLine(line)) {
        throw new BatchError(
            '5.6.0',
            `The line of mail ${index} must have ${MAIL_FIELDS} fields, the last: lengths`,
        )
    }
    const [messageId, contactId, claimKey, number, sender, recipient, smtputf8, subject, lengths, said] = line
    const start = reader.skip(lengths, `mail ${index}`)
    const template = isCount(number) ? batch.templates[number] : undefined
    const fault =
        idFault(batch, messageId, contactId, claimKey) ??
        addressFault(batch.isReport, sender, recipient, smtputf8) ??
        contentFault(batch.document, template, subject, start, lengths) ??
        repetition(indexOfClaim, claimKey)
    if (fault) return batch.refused.push({ index, code: 550, enhanced: fault[0], text: fault[1] })
    indexOfClaim.set(claimKey, index)
    const fields = {
        messageId,
        contactId,
        claimKey,
        template,
        sender,
        recipient,
        smtputf8: smtputf8 === 1,
        subject: subject ?? template.subject,
        said,
    }
    batch.mails.push(new SpooledMail(batch, index, fields, start, lengths))
}

function idFault({ broadcastId, submitter, teamId }, messageId, contactId, claimKey) {
    if (!isUuid(messageId)) return ['5.6.0', 'The message id must be a UUID in lower case']
    if (!isCount(contactId)) return ['5.6.0', 'The contact id must be a whole number; 0 for none']
    const expected =
        broadcastId > 0 ? names.broadcastClaimKey(broadcastId, contactId) : names.emailClaimKey(messageId)
    if (submitter !== null && claimKey.startsWith(names.submissionClaimKey(teamId, ''))) return null
    // So that a slip of a worker cannot block another mail.
    return claimKey === expected ? null : ['5.6.0', `The claim key must be ${expected}, by the ids`]
}

function addressFault(isReport, sender, recipient, smtputf8) {
    if (smtputf8 !== 0 && smtputf8 !== 1) return ['5.6.0', 'smtputf8 must be 0 or 1']
    const pattern = smtputf8 === 1 ? UTF8_ADDRESS : ADDRESS
    if (isReport ? sender !== '' : !isAddress(sender, pattern))
        return notAnAddress('5.1.7', 'envelope sender', sender)
    return isAddress(recipient, pattern) ? null : notAnAddress('5.1.3', 'recipient', recipient)
}

const isAddress = (value, pattern) =>
    isText(value) && pattern.test(value) && Buffer.byteLength(value) <= LONGEST_ADDRESS

/** @param {string} value @returns {boolean} whether a mail of a batch may go to it, with SMTPUTF8 or without */
const canBeRecipient = (value) => isAddress(value, UTF8_ADDRESS)

function notAnAddress(enhanced, what, value) {
    if (isAddress(value, UTF8_ADDRESS)) return ['5.6.7', 'An address outside ASCII needs smtputf8']
    return [enhanced, `The ${what} must be one plain address`]
}

function contentFault(document, template, subject, start, lengths) {
    if (!template) return ['5.6.0', 'There is no template of this number']
    if (template.fault) return ['5.6.0', template.fault]
    if (!isSubject(subject)) return ['5.6.0', 'The subject must be a text, or null']
    if (lengths.length !== template.chunks.length - 1)
        return ['5.6.0', 'A mail has one value fewer than chunks']
    return template.takes(document, start, lengths) ? null : ['5.6.0', 'A value would break out of its place']
}

// Two mails of one batch have the same holder, so that a claim could not tell them apart.
function repetition(indexOfClaim, claimKey) {
    if (!indexOfClaim.has(claimKey)) return null
    return ['5.6.0', `Mail ${indexOfClaim.get(claimKey)} of the batch has the same claim key`]
}

module.exports = { parseBatch, canBeRecipient, Batch, BatchError, MAX_MAILS }
