'use strict'

// Gives the mails in the spool to the lanes, and takes what becomes of them: told and over, or to the slow tail
// (tail.js). A mail leaves the spool when its event, or its queue file, is on disk.
//
// The lanes give back the mails of a broadcast that is held back (holds.js). Those of a paused one are kept here, for as
// long as they might wait in a lane; those of a cancelled one are given up.

const { steadyNow } = require('./clock')
const { groupBy } = require('./group_by')
const { jobOf } = require('./mail_job')
const { persist } = require('./persist')
const { domainOf } = require('./queued_mail')

// A portion of what is taken back: queue files are written side by side.
const PORTION = 64

class Dispatcher {
    #takingBack = false
    #settling = 0
    #isClosed = false
    #held = [] // {mails, since}, the one that has been held back longest first

    /**
     * @param {object} options
     * @param {import('./holds').Holds} options.holds
     * @param {import('./lanes').Lanes} options.lanes
     * @param {import('./mail_spool').MailSpool} options.spool
     * @param {import('./tail').Tail} options.tail
     * @param {import('./outcomes').Outcomes} options.outcomes
     * @param {(mail: object) => Promise<Buffer[]>} options.sign what leaves of a mail: its parts, and a signature
     * @param {number} options.patience seconds that a mail waits in a lane at most
     */
    constructor({ holds, lanes, spool, tail, outcomes, sign, patience }) {
        Object.assign(this, { holds, lanes, spool, tail, outcomes, sign, patience })
    }

    /** How many outcomes are on their way to the disk. */
    get settling() {
        return this.#settling
    }

    /** @param {import('./spooled_mail').SpooledMail[]} mails that are on disk, all of one batch */
    take(mails) {
        if (this.#isClosed) return
        // All mails of a submission are the same text; any other mail has values of its own.
        if (mails.length > 1 && mails[0].batch.submitter !== null) this.#sendTogether(mails)
        else for (const mail of mails) this.#send([mail])
    }

    /** @param {import('./spooled_mail').SpooledMail[]} mails that an earlier life may have sent; none is sent again */
    async takeUnknown(mails) {
        for (const mail of mails) {
            await this.outcomes.tellUnknown(mail, 1, async () => textOf(mail))
            this.spool.done(mail)
        }
    }

    /** @param {import('./spooled_mail').SpooledMail[]} mails that an earlier life has sent, and may not have told of */
    async takeSent(mails) {
        for (const mail of mails) {
            await this.outcomes.tellSent(mail, 1)
            this.spool.done(mail)
        }
    }

    /** Takes nothing any more: it is on disk, and waits for the next start. */
    close() {
        this.#isClosed = true
    }

    /** Makes room in lanes that are full: what has waited for too long goes to the tail. To be called every second. */
    async takeBack() {
        if (this.#takingBack || this.tail.isFull) return
        this.#takingBack = true
        const jobs = this.lanes.takeBack(this.patience * 1000, PORTION)
        const held = this.#takeHeld(PORTION)
        await Promise.all([
            ...jobs.map((job) => job.takenBack()),
            ...held.map(({ mails }) => this.#postpone(mails, { attempts: 0, pause: 0 })),
        ])
        this.#takingBack = false
        if (jobs.length === PORTION || held.length === PORTION) this.takeBack()
    }

    /** Looks anew at what is held back. To be called when other broadcasts are than before. */
    reconsider() {
        if (this.#isClosed) return
        const held = this.#held
        this.#held = []
        for (const { mails, since } of held) this.#send(mails, since)
    }

    #takeHeld(most) {
        const until = steadyNow() - this.patience * 1000
        let old = 0
        while (old < most && this.#held[old]?.since <= until) old++
        return this.#held.splice(0, old)
    }

    /** Recipients of one route get the text once (RFC 5321 section 5.1). */
    async #sendTogether(mails) {
        const routes = await Promise.all(mails.map(({ recipient }) => this.#routeOf(domainOf(recipient))))
        if (this.#isClosed) return
        for (const group of groupBy(mails, (_, i) => routes[i])) this.#send(group)
    }

    async #routeOf(domain) {
        try {
            return (await this.lanes.routeOf(domain)).key
        } catch {
            return domain // and the lanes will tell why
        }
    }

    /** @param {number} [heldSince] in milliseconds since 1970, where it was held back already */
    #send(mails, heldSince) {
        const [mail] = mails
        const early = mail.batch.sendAt - Date.now()
        if (early > 0) return this.#postpone(mails, { attempts: 0, pause: Math.ceil(early / 1000) })
        this.lanes.send(
            jobOf(mails, {
                attempt: 1,
                size: mail.size,
                content: () => this.sign(mail),
                original: async () => textOf(mail),
                intend: () => this.#intend(mails),
                withdraw: () => mails.forEach((each) => this.spool.withdraw(each)),
                heldBack: () => this.#holdBack(mails, heldSince),
                done: (job, outcome) => this.#settle(job, outcome),
                takenBack: () => this.#postpone(mails, { attempts: 0, pause: this.patience }),
            }),
        )
    }

    #intend(mails) {
        // Nearly always there is one.
        if (mails.length === 1) return this.spool.intend(mails[0])
        return Promise.all(mails.map((mail) => this.spool.intend(mail)))
    }

    #holdBack(mails, since = steadyNow()) {
        if (this.holds.of(mails[0].broadcastId) === 'cancel') this.#giveUp(mails)
        else this.#held.push({ mails, since })
    }

    async #giveUp(mails) {
        this.#settling++
        await Promise.all(mails.map((mail) => this.outcomes.tellCancelled(mail, 0)))
        for (const mail of mails) this.spool.done(mail)
        this.#settling--
    }

    async #settle(job, outcome) {
        this.#settling++
        const fates = this.outcomes.judge(job, outcome)
        // Nothing is waited for till here: before the connection's next mail.
        for (const { type, mail } of fates) if (type === 'delivered') this.spool.sent(mail)
        const again = fates.filter(({ type }) => type === 'deferred')
        // Before it is told: what was deferred for certain must not count as unknown after a crash.
        if (again.length) {
            const when = { attempts: job.attempt, pause: again[0].pause }
            await this.#postpone(
                again.map(({ mail }) => mail),
                when,
            )
        }
        await this.outcomes.tell(fates, job, outcome)
        for (const { type, mail } of fates) if (type !== 'deferred') this.spool.done(mail)
        this.#settling--
    }

    async #postpone(mails, { attempts, pause }) {
        const when = { attempts, dueAt: steadyNow() + pause * 1000 }
        await persist('mail not queued', () => this.tail.add(mails, textOf(mails[0]), when))
        for (const mail of mails) this.spool.done(mail)
    }
}

const textOf = (mail) => Buffer.concat(mail.parts())

module.exports = { Dispatcher }
