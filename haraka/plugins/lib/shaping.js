'use strict'

// When a lane may connect and send: within its budget, which all edges share; slower where the provider complains; not
// at all where an operator says so. A shaper sends nothing itself: it is asked, and told what happened.

const { isDeepStrictEqual } = require('node:util')

const { BackOff, PAUSES } = require('./back_off')
const { systemClock } = require('./clock')
const { classify } = require('./replies')

// A lane has the servers of many, so one refusal may be anything. Refusal after refusal with no mail taken between them
// is trouble of the lane's: when they weigh so much together.
const TROUBLE = 10
const WEIGHTS = { rate: TROUBLE, reputation: 4, server: 4, mail: 1 }
const UNEXPLAINED_DEFERRAL = 1
// Those of a connection are not the mail's.
const MAIL_STEPS = ['mail', 'rcpt', 'data', 'dot']
// A lane without connections makes one ahead of the mail's time. A server waits for minutes (RFC 5321, 4.5.3.2.7).
const CONNECT_AHEAD_MS = 30_000
const CONNECT_PAUSE_MS = { first: 1000, longest: 5 * 60_000 }
const TOO_MANY_CONNECTIONS_PAUSE_MS = 10_000
// Replies about one and the same thing come together.
const SETTLE_MS = 5000
const REPLIES_KEPT = 5

class Shaper {
    #budget
    #clock
    #trouble
    #onClose
    #backOff = new BackOff()
    #control = null
    #begun = new Rate()
    #suspicion = 0
    #connectFailures = 0
    #connectAfter = 0
    #paceUntil = 0
    #mailsPerConnection
    #sessionCutAt = -Infinity
    #refusals = [] // the last ones
    #taken = { at: 0, code: 0, text: '' } // the last one
    #counts = { delivered: 0, deferred: 0, refused: 0 }

    /** Set by the lane: what held it back may be over. Never called while the lane calls the shaper. */
    onChange = () => {}

    /**
     * @param {object} options
     * @param {import('./lane_budget').LaneBudget} options.budget
     * @param {import('./clock').Clock} [options.clock]
     * @param {() => string | null} [options.trouble] of all budgets, for people
     * @param {() => void} [options.onClose]
     */
    constructor({ budget, clock = systemClock, trouble = () => null, onClose = () => {} }) {
        this.#budget = budget
        this.#clock = clock
        this.#trouble = trouble
        this.#onClose = onClose
        this.#mailsPerConnection = budget.limits.mailsPerConnection
        budget.onChange = () => this.onChange()
    }

    /** @returns {number} mails after which a connection ends */
    get mailsPerConnection() {
        return this.#mailsPerConnection
    }

    /** @returns {boolean} whether mail should rather go over another source of the pool */
    get diverts() {
        if (this.#control?.action === 'drain') return true
        return this.#budget.limits.ceiling?.surplus === 'overflow' && this.#budget.exhausted
    }

    /**
     * For a lane with mail that waits and no connection that is idle. After a 0 it opens one.
     * @param {number} open connections, those that are still connecting among them
     * @param {number} connecting
     * @param {number} waiting mails
     * @returns {number} milliseconds until one more may be opened; 0: now; Infinity: when `onChange` says, or
     *   something that the lane does itself is over
     */
    canConnect(open, connecting, waiting) {
        const now = this.#clock.now()
        this.#budget.open = open
        if (now < this.#connectAfter) return this.#connectAfter - now
        // One after the other, until the server is known to answer.
        if (this.#connectFailures > 0 && connecting > 0) return Infinity
        if (open === 0) this.#budget.wanted = Math.max(1, this.#budget.wanted)
        const send = this.#untilSend(waiting, now)
        if (send > (open === 0 ? CONNECT_AHEAD_MS : 0)) return send
        if (open >= this.#connectionsLimit(now)) return Infinity
        if (connecting > 0 && connecting >= this.#budget.due(now)) return this.#budget.interval
        const wanted = open + Math.min(waiting, open + 1)
        const wait = this.#budget.want(Math.min(wanted, this.#connectionsLimit(now)), now)
        if (wait === 0) this.#budget.open = open + 1
        return wait
    }

    /**
     * @param {number} waiting mails
     * @returns {number} milliseconds until one may begin; 0 and Infinity as above
     */
    canSend(waiting) {
        return this.#untilSend(waiting, this.#clock.now())
    }

    /**
     * @param {number} open connections
     * @returns {boolean} whether one that has no mail under way may stay
     */
    keeps(open) {
        this.#budget.open = open
        if (this.#control?.action === 'drain') return false
        return open <= Math.min(this.#budget.connections, this.#connectionsLimit(this.#clock.now()))
    }

    /** A connection is ready for mail. */
    connected() {
        this.#connectFailures = 0
    }

    /** A connection did not come about. @param {string} text why */
    connectFailed(text) {
        const now = this.#clock.now()
        const { first, longest } = CONNECT_PAUSE_MS
        this.#connectAfter = now + Math.min(longest, first * 2 ** this.#connectFailures)
        this.#connectFailures++
        this.#keepReply({ at: now, code: null, text })
    }

    /** A connection ended. @param {number} open how many are left */
    closed(open) {
        this.#budget.open = open
        this.#budget.giveBack()
    }

    /** A mail begins. To be called when `canSend` gave 0, before anything else. */
    began() {
        const now = this.#clock.now()
        this.#budget.spend(now)
        this.#begun.count(now)
        if (this.#backOff.rests) return
        this.#backOff.began()
        this.#paceUntil = now + 60_000 / (this.#budget.limits.perMinute * this.#backOff.rate(now))
    }

    /** A mail that began is over, however it ended. */
    ended() {
        this.#budget.inFlight--
    }

    /**
     * A reply that decides a connection, a mail or a recipient.
     * @param {{code: number, enhanced: string | null, text: string, step: string}} reply step: as in conversation.js
     */
    answered(reply) {
        const now = this.#clock.now()
        if (reply.code < 400) return this.#mailTaken(reply, now)
        this.#note(reply, now)
        const kind = classify(reply)
        if (kind === 'idle') return
        if (kind === 'connections') this.#tooManyConnections(said(reply), now)
        else if (kind === 'session') this.#shorterSessions(now)
        else if (kind === 'recipient' || (reply.code >= 500 && !PAUSES[kind])) this.#dealtWith(now)
        else this.#suspect(kind, said(reply), now)
    }

    /** @param {import('./policies').Limits} limits they have changed */
    limit(limits) {
        if (isDeepStrictEqual(limits, this.#budget.limits)) return
        this.#budget.limits = limits
        this.#mailsPerConnection = limits.mailsPerConnection
        this.onChange()
    }

    /** @param {{action: 'pause' | 'drain', reason: string} | null} control what an operator says */
    control(control) {
        this.#control = control
        this.onChange()
    }

    /** The lane goes: nothing waits and no connection is left. */
    close() {
        this.#budget.release()
        this.onChange = () => {}
        this.#onClose()
    }

    /** @returns {boolean} whether it would be a pity to forget what it knows */
    get remembers() {
        return !this.#backOff.rests || this.#clock.now() < this.#connectAfter
    }

    /** Its part of a row of the live view; times in milliseconds since 1970. */
    state() {
        const now = this.#clock.now()
        const { limits, used } = this.#budget
        return {
            per_minute: this.#begun.perMinute(now),
            limit_per_minute: Math.floor(limits.perMinute * this.#backOff.rate(now)),
            connections_limit: this.#connectionsLimit(now),
            back_off: this.#explain(now),
            control: this.#control,
            warmup: limits.ceiling && { used, ceiling: limits.ceiling.mails },
            last_replies: this.#lastReplies(),
            ...this.#counts,
        }
    }

    #untilSend(waiting, now) {
        this.#budget.waiting = this.#control ? 0 : waiting
        if (this.#control) return Infinity
        if (this.#backOff.rests) return this.#budget.wait(now)
        const pause = Math.max(this.#backOff.wait(now), this.#paceUntil - now)
        const oneAtATime = this.#backOff.probing && this.#budget.inFlight > 0
        // What it cannot use now is for other edges to use.
        this.#budget.waiting = pause > 0 || oneAtATime ? 0 : Math.min(1, waiting)
        if (oneAtATime) return Infinity
        return pause > 0 ? pause : this.#budget.wait(now)
    }

    #connectionsLimit(now) {
        const { connections } = this.#budget.limits
        return this.#backOff.rests ? connections : this.#backOff.connections(connections, now)
    }

    #suspect(kind, words, now) {
        this.#suspicion += WEIGHTS[kind] ?? UNEXPLAINED_DEFERRAL
        const again = this.#backOff.probing && PAUSES[kind]
        if (this.#suspicion < TROUBLE && !again) return
        this.#suspicion = 0
        const { perMinute, connections } = this.#budget.limits
        this.#backOff.complaint(
            PAUSES[kind] ? kind : 'server',
            words,
            { rate: this.#begun.perMinute(now) / perMinute, connections: this.#budget.open / connections },
            now,
        )
    }

    #tooManyConnections(words, now) {
        this.#backOff.tooManyConnections(words, this.#budget.open / this.#budget.limits.connections, now)
        this.#connectAfter = Math.max(this.#connectAfter, now + TOO_MANY_CONNECTIONS_PAUSE_MS)
    }

    #shorterSessions(now) {
        if (now < this.#sessionCutAt + SETTLE_MS) return
        this.#sessionCutAt = now
        this.#mailsPerConnection = Math.max(1, Math.floor(this.#mailsPerConnection / 2))
    }

    #mailTaken({ code, text }, now) {
        this.#counts.delivered++
        this.#taken.at = now
        this.#taken.code = code
        this.#taken.text = text
        this.#suspicion = 0
        this.#dealtWith(now)
    }

    /** The provider did its part. */
    #dealtWith(now) {
        if (!this.#backOff.rests) this.#backOff.success(now)
    }

    #note({ code, enhanced, text, step }, now) {
        if (MAIL_STEPS.includes(step)) this.#counts[code < 500 ? 'deferred' : 'refused']++
        this.#keepReply({ at: now, code, text: enhanced ? `${enhanced} ${text}` : text })
    }

    #keepReply(reply) {
        this.#refusals.push(reply)
        if (this.#refusals.length > REPLIES_KEPT) this.#refusals.shift()
    }

    #lastReplies() {
        const replies = this.#taken.at ? [...this.#refusals, { ...this.#taken }] : [...this.#refusals]
        return replies.sort((a, b) => b.at - a.at)
    }

    #explain(now) {
        const yielding = this.#backOff.explain(now)
        if (yielding) return yielding
        if (this.#connectFailures > 0) {
            const last = this.#refusals.at(-1).text
            const reason = `no connection, ${this.#connectFailures} in a row failed, the last: ${last}`
            return { until: this.#connectAfter, reason }
        }
        const trouble = this.#trouble()
        return trouble && { until: null, reason: trouble }
    }
}

/** Mails of the last minute, by slices of it. */
class Rate {
    static #SLICES = 12
    static #SLICE_MS = 5000
    #slices = new Uint32Array(Rate.#SLICES)
    #current = 0

    count(now) {
        this.#forget(now)
        this.#slices[this.#current % Rate.#SLICES]++
    }

    perMinute(now) {
        this.#forget(now)
        return this.#slices.reduce((sum, count) => sum + count)
    }

    #forget(now) {
        const current = Math.floor(now / Rate.#SLICE_MS)
        if (current === this.#current) return
        const passed = Math.min(Rate.#SLICES, current - this.#current)
        for (let i = 0; i < passed; i++) this.#slices[(current - i) % Rate.#SLICES] = 0
        this.#current = current
    }
}

const said = ({ code, enhanced, text }) => [code, enhanced, text].filter(Boolean).join(' ')

module.exports = { Shaper }
