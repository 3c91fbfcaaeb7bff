'use strict'

const { domainOf } = require('./queued_mail')

const SIGNATURE_BYTES = 800 // about what a DKIM-Signature has

/**
 * @param {object[]} mails SpooledMails or QueuedMails of one text, for recipients of one route
 * @param {object} how
 * @param {number} how.attempt
 * @param {number} how.size octets of the text
 * @param {() => Promise<Buffer[]>} how.content
 * @param {() => Promise<Buffer>} how.original the text, for a report of its failure
 * @param {() => Promise<void>} how.intend
 * @param {() => void} how.withdraw
 * @param {() => void} how.heldBack
 * @param {(job: object, outcome: import('./lanes').Outcome) => void} how.done
 * @param {(job: object) => Promise<void>} how.takenBack after `lanes.takeBack` has given the job back
 * @returns {import('./lanes').Job}
 */
function jobOf(mails, { attempt, size, content, original, intend, withdraw, heldBack, done, takenBack }) {
    const [first] = mails
    const isBroadcast = first.stream === 'broadcast'
    const job = {
        mails,
        pool: isBroadcast ? 'engage' : 'send',
        teamId: first.teamId,
        broadcastId: first.broadcastId,
        flow: isBroadcast ? `b${first.broadcastId}` : 't',
        stream: first.stream,
        domain: domainOf(first.recipient),
        sender: first.sender,
        recipients: mails.map(({ recipient }) => recipient),
        smtputf8: mails.some(({ smtputf8 }) => smtputf8),
        size: size + SIGNATURE_BYTES,
        attempt,
        queuedAt: first.queuedAt,
        content,
        original,
        intend,
        withdraw,
        heldBack,
        done: (outcome) => done(job, outcome),
        takenBack: () => takenBack(job),
    }
    return job
}

module.exports = { jobOf }
