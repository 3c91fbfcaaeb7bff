'use strict'

// Reports to those who submitted a mail that failed (dsn.js). They go to the submitter's MAIL FROM where that is an
// address of a domain of the team's own, which `submission` has looked at; anybody else might be innocent of the mail
// (backscatter). A report has no sender, so that nothing is ever reported of a report (RFC 5321 section 6.1).

const { composeDsn } = require('./dsn')
const { newId } = require('./ids')
const log = require('./log')
const { domainOf } = require('./queued_mail')
const { documentOf } = require('./submission_document')

class Returns {
    /**
     * @param {object} options
     * @param {string} options.hostname of the edge
     * @param {(document: Buffer) => Promise<void>} options.submit sends it; resolves when it is on disk
     */
    constructor({ hostname, submit }) {
        this.hostname = hostname
        this.submit = submit
    }

    /**
     * Never rejects.
     * @param {import('./lanes').Job} job
     * @param {import('./lanes').Outcome} outcome
     * @param {{mail: object, code: number | null, enhanced: string | null, response: string}[]} failed
     */
    async tell(job, outcome, failed) {
        const [{ mail }] = failed
        const to = mail.batch.submitter
        if (!to || mail.sender === '') return
        try {
            const text = composeDsn({
                to,
                domain: mail.domain,
                reporter: this.hostname,
                queuedAt: mail.queuedAt,
                mail: await job.original(),
                failures: failed.map(({ mail: { recipient }, code, enhanced, response }) => ({
                    recipient,
                    status: enhanced,
                    code,
                    response,
                    mx: code && outcome.mx,
                })),
            })
            await this.submit(reportDocument(mail, to, text))
        } catch (err) {
            log.error('report to submitter lost', { message_id: mail.messageId, reason: err.message })
        }
    }
}

function reportDocument(mail, to, text) {
    return documentOf({
        id: newId(),
        teamId: mail.teamId,
        domain: mail.domain,
        returnPath: domainOf(mail.sender),
        report: true,
        signed: false,
        subject: '',
        text: [text],
        mails: [{ messageId: newId(), sender: '', recipient: to, smtputf8: /[^\0-\x7f]/.test(to) }],
    })
}

module.exports = { Returns }
