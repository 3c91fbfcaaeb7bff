'use strict'

// Writes batch documents as a worker does (docs/batch-format.md), and, told so, as no worker should.

const { v7: uuid } = require('uuid')

const names = require('../../plugins/lib/names')

const CRLF = '\r\n'
const MEDIA_TYPE = 'application/vnd.kibamail.batch; version=1'

/** Chunks of a small mail with a value in To, one in the message id's field, and one in the body. */
const CHUNKS = [
    'From: News <hello@news.acme.example>\r\nTo: ',
    '\r\nSubject: Spring\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\nX-Kibamail-Message-ID: ',
    '\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello ',
    ',\r\n\r\n.spring is here.\r\n',
]

const TEMPLATE = { subject: 'Spring', chunks: CHUNKS }

let nextContact = 1

/** A mail of `batchOf`: override what a test is about. */
function mailOf(fields = {}) {
    const messageId = fields.messageId ?? uuid()
    const contactId = fields.contactId ?? nextContact++
    const recipient = fields.recipient ?? `reader${contactId}@mailbox.example`
    return {
        messageId,
        contactId,
        recipient,
        sender: `b-${messageId}@kb.news.acme.example`,
        template: 0,
        smtputf8: 0,
        subject: null,
        values: [recipient, messageId, 'reader'],
        ...fields,
    }
}

/** A broadcast's batch of these mails, ready for `documentOf`. */
function batchOf(mails, fields = {}) {
    return {
        v: 1,
        id: uuid(),
        team_id: 7,
        broadcast_id: 5,
        stream: 'broadcast',
        domain: 'news.acme.example',
        return_path_domain: 'kb.news.acme.example',
        signed: false,
        templates: [TEMPLATE],
        mails,
        ...fields,
    }
}

/** @returns {Buffer} the document; `claimKey` and `lengths` of a mail, and `mails_said`, may be given to lie */
function documentOf({ templates, mails, mails_said: said = mails.length, ...fields }) {
    const shared = templates.map(({ chunks }) => chunks.map(bytes))
    const head = {
        ...fields,
        templates: templates.map(({ subject }, i) => ({ subject, chunks: shared[i].map(length) })),
        mails: said,
    }
    const pieces = [JSON.stringify(head), CRLF, ...shared.flat(), CRLF]
    for (const mail of mails) {
        const values = mail.values.map(bytes)
        pieces.push(JSON.stringify(lineOf(mail, fields.broadcast_id, values)), CRLF, ...values, CRLF)
    }
    return Buffer.concat(pieces.map(bytes))
}

function lineOf(mail, broadcastId, values) {
    const claimKey =
        mail.claimKey ??
        (broadcastId
            ? names.broadcastClaimKey(broadcastId, mail.contactId)
            : names.emailClaimKey(mail.messageId))
    return [
        mail.messageId,
        mail.contactId,
        claimKey,
        mail.template,
        mail.sender,
        mail.recipient,
        mail.smtputf8,
        mail.subject,
        mail.lengths ?? values.map(length),
        ...(mail.said ? [mail.said] : []),
    ]
}

/** @returns {Buffer} what goes over the wire behind DATA: header, document, dots stuffed, the final dot */
function onTheWire(document, contentType = MEDIA_TYPE) {
    const text = Buffer.concat([bytes(`Content-Type: ${contentType}${CRLF}${CRLF}`), document])
    const stuffed = text.toString('latin1').replace(/(^|\r\n)\./g, '$1..')
    return Buffer.from(`${stuffed}.${CRLF}`, 'latin1')
}

const bytes = (value) => (Buffer.isBuffer(value) ? value : Buffer.from(value))
const length = ({ length: count }) => count

module.exports = { CHUNKS, TEMPLATE, mailOf, batchOf, documentOf, onTheWire }
