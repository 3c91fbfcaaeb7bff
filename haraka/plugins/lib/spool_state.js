'use strict'

// What of the mails that this edge has taken is not over, for the books: whoever adds up the ledger finds here where
// an accepted mail is.

/**
 * @param {object} parts
 * @param {import('./mail_spool').MailSpool} parts.mailSpool
 * @param {import('./tail').Tail} parts.tail
 * @param {import('./spool').Spool} parts.events
 * @returns {{mails: number, broadcasts: Record<string, number>, event_bytes: number}} mails in the spool and files in
 *   the queue; by broadcast id those of broadcasts, which have a file each; events on disk that were not posted yet
 */
function spoolState({ mailSpool, tail, events }) {
    const { waiting, underWay } = tail.counts
    return {
        mails: mailSpool.counts.mails + waiting + underWay,
        broadcasts: mailSpool.broadcasts.plus(tail.broadcasts).toObject(),
        event_bytes: events.backlogBytes,
    }
}

module.exports = { spoolState }
