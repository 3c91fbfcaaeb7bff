'use strict'

// What both ways in (teams, workers) note of a mail. Haraka writes `transaction.notes.mail` into the queue file.

const { mailDate } = require('./mail_date')
const names = require('./names')
const { settings } = require('./settings')
const { makeToken } = require('./tokens')

const LONGEST_SUBJECT = 500

/** The envelope sender of one mail (VERP): what comes back to it can be told apart. */
function envelopeSender(messageId, returnPath) {
    return `${names.VERP_PREFIX}${makeToken(messageId, settings.tokenSecret)}@${returnPath}`
}

function subjectOf(header) {
    return header.get_decoded('Subject').trim().slice(0, LONGEST_SUBJECT)
}

/** Adds Date and Message-ID where they are missing, as Haraka would do it after the mail was signed. */
function completeHeaders(transaction, messageId, domain) {
    const { header } = transaction
    if (header.get('Message-ID').trim() === '<>') transaction.remove_header('Message-ID')
    if (!header.get('Message-ID')) transaction.add_header('Message-ID', `<${messageId}@${domain}>`)
    if (!header.get('Date')) transaction.add_header('Date', mailDate())
}

module.exports = { envelopeSender, subjectOf, completeHeaders }
