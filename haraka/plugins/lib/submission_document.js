'use strict'

// The batch document (docs/batch-format.md) of one text for one recipient or several: what a submitter, or the edge
// itself, hands over.

const names = require('./names')
const { DEFAULT_STREAM } = require('./submission_options')

const CRLF = Buffer.from('\r\n')

/**
 * @param {object} submission
 * @param {import('./submission_options').Options} [submission.options] what its submitter said of it
 * @param {string} submission.id UUID
 * @param {number} submission.teamId
 * @param {string} submission.domain the author's domain
 * @param {string} submission.returnPath domain of the return path
 * @param {string} [submission.submitter] who is told when it fails, '' for nobody (Batch.submitter)
 * @param {boolean} [submission.report] whether it is such a report (Batch.isReport)
 * @param {boolean} submission.signed whether its DKIM-Signature is in it
 * @param {string} submission.subject for events
 * @param {Buffer[]} submission.text pieces of the mail; its lines end in CRLF, no dot is stuffed
 * @param {{messageId: string, sender: string, recipient: string, smtputf8: boolean, claimKey?: string}[]} submission.mails
 * @returns {Buffer}
 */
function documentOf(submission) {
    const { id, teamId, domain, returnPath, signed, subject, text, mails, submitter, report } = submission
    const { stream = DEFAULT_STREAM, tag, metadata, sendAt } = submission.options ?? {}
    const head = {
        v: 1,
        id,
        team_id: teamId,
        broadcast_id: 0,
        stream,
        domain,
        return_path_domain: returnPath,
        submitter,
        report,
        tag,
        metadata,
        send_at: sendAt,
        signed,
        templates: [{ subject, chunks: [text.reduce((total, { length }) => total + length, 0)] }],
        mails: mails.length,
    }
    return Buffer.concat([json(head), ...text, CRLF, ...mails.flatMap((mail) => [json(lineOf(mail)), CRLF])])
}

const lineOf = ({ messageId, sender, recipient, smtputf8, claimKey }) => [
    messageId,
    0,
    claimKey ?? names.emailClaimKey(messageId),
    0,
    sender,
    recipient,
    smtputf8 ? 1 : 0,
    null,
    [],
]

const json = (value) => Buffer.from(`${JSON.stringify(value)}\r\n`)

module.exports = { documentOf }
