'use strict'

// What stands before a mail in one of Haraka's queue files (its `todo`), written and read. A file holds one text for
// recipients of one route; each of them is a mail of its own, with what `SpooledMail` tells of one.

const { randomBytes } = require('node:crypto')

/**
 * @param {object[]} mails SpooledMails or QueuedMails of one text and one route
 * @param {Buffer} text
 * @returns {object} a todo
 */
function todoOf(mails, text) {
    const [first] = mails
    return {
        queue_time: first.queuedAt,
        domain: domainOf(first.recipient),
        rcpt_to: mails.map(({ recipient }) => `<${recipient}>`),
        mail_from: `<${first.sender}>`,
        notes: {
            mail: {
                batch: first.batch.id,
                submitter: first.batch.submitter,
                tag: first.tag,
                metadata: first.metadata,
                send_at: first.batch.sendAt,
                team_id: first.teamId,
                broadcast_id: first.broadcastId,
                stream: first.stream,
                domain: first.domain,
                signed: first.signed,
                smtputf8: first.smtputf8,
                subject: first.subject,
                size: text.length,
                sender: first.sender,
                recipients: mails.map(({ index, messageId, recipient }) => ({ index, messageId, recipient })),
            },
        },
        // No two files at a time have the same one: the name of the mail in the journal.
        uuid: `${first.batch.id}.${first.index}.${first.broadcastId}.${randomBytes(4).toString('hex')}`,
        force_tls: false,
    }
}

/** @returns {string} the batch that the mail of a todo with this uuid came in */
const batchOfUuid = (uuid) => uuid.split('.', 1)[0]

/** @returns {number} its broadcast; 0 for none, or where an older version named the file */
const broadcastOfUuid = (uuid) => (uuid.split('.').length === 4 ? Number(uuid.split('.')[2]) : 0)

/** @param {object} todo of a queue file @returns {object[]} the mails */
function mailsOf({ queue_time: queuedAt, notes: { mail } }) {
    const shared = {
        batch: { id: mail.batch, submitter: mail.submitter },
        tag: mail.tag,
        metadata: mail.metadata,
        teamId: mail.team_id,
        broadcastId: mail.broadcast_id,
        stream: mail.stream,
        domain: mail.domain,
        signed: mail.signed,
        smtputf8: mail.smtputf8,
        subject: mail.subject,
        sender: mail.sender,
        queuedAt,
    }
    return mail.recipients.map((recipient) => ({ ...shared, ...recipient }))
}

/** @returns {object} a mail with its text, to be signed as one from the spool is */
function withText(mail, text) {
    return { ...mail, template: { chunks: [text] }, values: () => [], parts: () => [text] }
}

/** Whether a program handed it over by SMTP: then it says who is told when it fails, be it nobody. */
const isSubmitted = ({ submitter }) => typeof submitter === 'string'

const domainOf = (address) => address.slice(address.lastIndexOf('@') + 1)

module.exports = { todoOf, mailsOf, withText, batchOfUuid, broadcastOfUuid, domainOf, isSubmitted }
