'use strict'

// What became of a mail, told: as an event for the webhook receiver, as a line in the log, as a count, and to who
// submitted it where it failed.

const { v5: uuidv5 } = require('uuid')

const log = require('./log')
const metrics = require('./metrics')
const { persist } = require('./persist')
const { isSubmitted } = require('./queued_mail')

const GIVEN_UP = 'Given up after the last attempt: '
const EXPIRED = '5.4.7' // RFC 3463: delivery time expired
const UNANSWERED = '4.4.2' // RFC 3463: bad connection

const COUNTED = {
    delivered: metrics.mails.labels('deliver'),
    deferred: metrics.mails.labels('defer'),
    bounced: metrics.mails.labels('bounce'),
    unknown: metrics.mails.labels('unknown'),
    cancelled: metrics.mails.labels('cancel'),
}
// What is as it was wished.
const QUIET = ['delivered', 'cancelled']
const TIMED = metrics.stageSeconds.labels('deliver')

/**
 * @typedef {object} Fate
 * @property {object} mail
 * @property {'delivered' | 'deferred' | 'bounced' | 'unknown'} type
 * @property {number | null} code
 * @property {string | null} enhanced
 * @property {string} response
 * @property {number | null} pause seconds until the next attempt of what is deferred
 */

class Outcomes {
    /**
     * @param {object} options
     * @param {(type: string, fields: object) => Promise<void>} options.report resolves when the event is on disk
     * @param {import('./retries').Retries} options.retries
     * @param {import('./returns').Returns} options.returns
     * @param {Set<string>} options.neverLost streams whose mail is sent again where it may have been sent
     */
    constructor({ report, retries, returns, neverLost }) {
        Object.assign(this, { report, retries, returns, neverLost })
    }

    /**
     * @param {import('./lanes').Job} job with `mails`, in the order of its recipients
     * @param {import('./lanes').Outcome} outcome
     * @returns {Fate[]} one a mail
     */
    judge(job, outcome) {
        const pause = this.retries.pauseAfter(outcome.provider, job.attempt)
        return outcome.results.map((result, i) =>
            fateOf(job.mails[i], result, pause, this.neverLost.has(job.stream)),
        )
    }

    /**
     * Never rejects: a mail is not sent again because it could not be told.
     * @param {Fate[]} fates as `judge` gave them
     * @param {import('./lanes').Job} job
     * @param {import('./lanes').Outcome} outcome
     * @returns {Promise<void>} when they are on disk
     */
    async tell(fates, job, outcome) {
        await Promise.all(fates.map((fate) => this.#tell(fate.type, fate.mail, fieldsOf(fate, job, outcome))))
        const failed = fates.filter(({ type }) => type === 'bounced' || type === 'unknown')
        if (failed.length) await this.returns.tell(job, outcome, failed)
    }

    /**
     * They were submitted, and are on disk. A mail has one such event, however often it is told: its id is the mail's.
     * @returns {Promise<void>} when it is on disk
     */
    async tellAccepted(mails) {
        const told = mails.map((mail) =>
            this.#report('accepted', {
                ...aboutMail(mail),
                event_id: mail.messageId,
                code: 250,
                response: 'queued',
                delay_ms: 0,
            }),
        )
        await Promise.all(told)
    }

    /**
     * A mail that an earlier life of this edge may have sent, and that is not risked twice.
     * @param {object} mail
     * @param {number} attempt
     * @param {() => Promise<Buffer>} original the text, for a report to who submitted it
     */
    async tellUnknown(mail, attempt, original) {
        const response = 'The edge stopped while it was sending the mail; it may have arrived'
        await this.#tell('unknown', mail, { ...aboutMail(mail), attempt, response })
        await this.returns.tell({ original }, { mx: null }, [
            { mail, code: null, enhanced: UNANSWERED, response },
        ])
    }

    /**
     * A mail that an earlier life of this edge has sent. Where that was told too, it is the same event.
     * @param {object} mail
     * @param {number} attempt
     */
    tellSent(mail, attempt) {
        const response = 'A server took it; the edge stopped before it told what that server said'
        const event_id = idOfDelivered(mail.messageId)
        return this.#tell('delivered', mail, { ...aboutMail(mail), event_id, attempt, code: 250, response })
    }

    /**
     * A mail of a broadcast that was cancelled. It has one such event, however often it is told.
     * @param {object} mail
     * @param {number} attempts that have failed
     */
    tellCancelled(mail, attempts) {
        return this.#tell('cancelled', mail, {
            ...aboutMail(mail),
            event_id: mail.messageId,
            attempt: attempts,
            response: 'The broadcast was cancelled before the mail was sent',
        })
    }

    /**
     * A submitted mail whose recipient was suppressed while it waited. It has one such event, however often it is told.
     * @param {object} mail
     * @param {number} attempts that have failed
     * @param {import('./hook').Refusal} refusal as its submitter would hear it now
     */
    tellSuppressed(mail, attempts, { code, enhanced, message: response }) {
        const eventId = uuidv5('suppressed', mail.messageId)
        const fields = { ...aboutMail(mail), event_id: eventId, attempt: attempts, code, enhanced, response }
        return this.#tell('cancelled', mail, fields)
    }

    #tell(type, mail, fields) {
        COUNTED[type].inc()
        if (type === 'delivered') TIMED.observe(fields.delay_ms / 1000)
        const level = QUIET.includes(type) ? 'debug' : 'info'
        if (log.writes(level)) log.write(level, type, brief(fields))
        // A report of ours to a submitter is nobody's mail.
        return mail.sender === '' ? undefined : this.#report(type, fields)
    }

    /** However long the disk refuses it: a mail whose fate is not told would stay on its way for ever. */
    #report(type, fields) {
        return persist('event not written', () => this.report(type, fields))
    }
}

/** @param {number | null} pause null: this was the last attempt */
function fateOf(mail, { kind, code, enhanced, response }, pause, isNeverLost) {
    const fate = (type) => ({
        mail,
        type,
        code,
        enhanced,
        response,
        pause: type === 'deferred' ? pause : null,
    })
    if (kind === 'delivered') return fate('delivered')
    if (kind === 'refused') return fate('bounced')
    // RFC 1047: the text went out and no reply came.
    if (kind === 'unknown' && (!isNeverLost || pause === null)) return fate('unknown')
    if (pause !== null) return fate('deferred')
    const status = code === null ? EXPIRED : enhanced
    return { ...fate('bounced'), enhanced: status, response: GIVEN_UP + response }
}

/** A mail has one such event, however often it is told: its id is the mail's, as version 8 (RFC 9562 section 5.8). */
const idOfDelivered = (messageId) => `${messageId.slice(0, 14)}8${messageId.slice(15)}`

// The clock may have been set back.
const since = (ms) => Math.max(0, Date.now() - ms)

const aboutMail = ({
    messageId,
    teamId,
    recipient,
    domain,
    subject,
    stream,
    batch,
    tag,
    metadata,
    sender,
    queuedAt,
}) => ({
    message_id: messageId,
    team_id: teamId,
    recipient,
    from_domain: domain,
    subject,
    stream,
    queue_id: batch.id,
    submitted: isSubmitted(batch) || undefined,
    tag,
    metadata,
    envelope_sender: sender,
    delay_ms: since(queuedAt),
})

// One literal, as thousands a second are made.
const fieldsOf = ({ mail, type, code, enhanced, response, pause }, job, outcome) => ({
    event_id: type === 'delivered' ? idOfDelivered(mail.messageId) : undefined,
    message_id: mail.messageId,
    team_id: mail.teamId,
    recipient: mail.recipient,
    from_domain: mail.domain,
    subject: mail.subject,
    stream: mail.stream,
    queue_id: mail.batch.id,
    submitted: isSubmitted(mail.batch) || undefined,
    tag: mail.tag,
    metadata: mail.metadata,
    envelope_sender: job.sender,
    attempt: job.attempt,
    code,
    enhanced,
    response,
    next_attempt_in_s: pause,
    provider: outcome.provider,
    mx: outcome.mx,
    ip: outcome.ip,
    port: outcome.port,
    source_ip: outcome.sourceIp,
    tls: outcome.tls,
    tls_version: outcome.tlsVersion,
    connection_mail: outcome.connectionMail,
    conversation: outcome.conversation,
    delay_ms: since(job.queuedAt),
})

const brief = ({ message_id, team_id, recipient, attempt, code, response, mx, queue_id }) => ({
    message_id,
    team_id,
    recipient,
    attempt,
    code,
    response,
    mx,
    queue_id,
})

module.exports = { Outcomes }
