'use strict'

// What this edge may use of a lane's limits. All edges share them, so what one uses it has leased before (budgets.js):
// connections, and slots, which are instants at which a mail may begin.
//
// The slots of a lane are a fixed interval apart, whoever has them, and each is used within LATE_MS or not at all. So
// the mails that begin in any one minute are at most the slots of that minute and the LATE_MS before it, and the
// interval is such that those are not more than the limit. It is the generic cell rate algorithm (ITU-T I.371) with
// its state in Redis.

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const LATE_MS = 1000
// What begins a minute apart may reach the provider closer together.
const JITTER_MS = 500
// Of one lane.
const ASK_EVERY_MS = 20
// What was used in the last while can be used in the next.
const RECENT_MS = 50

/** @returns {number} milliseconds between the slots of a lane */
const intervalOf = (perMinute) => (MINUTE_MS + LATE_MS + JITTER_MS) / perMinute

const dayOf = (now) => Math.floor(now / DAY_MS)

class LaneBudget {
    #runs = [] // slots: {at, every, left}, the earliest first
    #left = 0 // of all runs
    #leased = 0 // slots of the last lease
    #day = null // of UTC, of `counted` and `unused`
    #askable = true // no answer is awaited
    #notBefore = 0 // asking earlier is of no use
    #recent = { since: 0, count: 0, before: 0 }
    #limits = null

    /** Connections that may be open. */
    connections = 0
    /** Connections that are. */
    open = 0
    /** Connections that could be used. */
    wanted = 0
    /** Mails that wait. */
    waiting = 0
    /** Mails that began and are not over. */
    inFlight = 0
    /** Slots under the day's ceiling, of all edges: {leased, returned}; null: not known. */
    counted = null
    /** Slots that this edge has leased so, and will not use. */
    unused = 0
    onChange = () => {}

    /**
     * @param {string} source
     * @param {string} provider
     * @param {(budget: LaneBudget) => void} ask has `lease` called, soon and in any case
     */
    constructor(source, provider, ask) {
        Object.assign(this, { source, provider, ask })
    }

    /**
     * @returns {{perMinute: number, connections: number, mailsPerConnection: number,
     *   ceiling: {counter: string, mails: number, surplus: 'wait' | 'overflow'} | null}} see policies.js
     */
    get limits() {
        return this.#limits
    }

    set limits(limits) {
        if (limits.ceiling?.counter !== this.#limits?.ceiling?.counter) this.counted = null
        this.#limits = limits
        this.#notBefore = 0
    }

    /** @returns {number} milliseconds between the slots of all edges together */
    get interval() {
        return intervalOf(this.#limits.perMinute)
    }

    /** @returns {boolean} whether nothing is held and nothing is wanted */
    get rests() {
        return this.waiting + this.open + this.connections + this.#left + this.unused === 0
    }

    /** @returns {boolean} whether the day's mails are used up, and no slot is left of them */
    get exhausted() {
        const { ceiling } = this.#limits
        return ceiling !== null && this.used >= ceiling.mails && this.#left === 0
    }

    /** @returns {number | null} mails of the day under the ceiling, those among them that may begin now; null: not known */
    get used() {
        return this.counted && this.counted.leased - this.counted.returned
    }

    /** @returns {number} connections that are wanted now, those that are open among them */
    get wants() {
        return this.waiting > 0 ? Math.max(this.open, this.wanted) : this.open
    }

    /** @returns {number} milliseconds until a mail may begin; Infinity: when `onChange` says */
    wait(now) {
        this.#forgetLate(now)
        if (this.#left === 0) return this.#ask(now)
        return Math.max(0, this.#runs[0].at - now)
    }

    /** @returns {number} slots whose time has come */
    due(now) {
        this.#forgetLate(now)
        return this.#runs.reduce((sum, { at, every, left }) => {
            return at > now ? sum : sum + Math.min(left, Math.floor((now - at) / every) + 1)
        }, 0)
    }

    /** A mail begins. To be called when `wait` gave 0, before anything else. */
    spend(now) {
        const [run] = this.#runs
        run.at += run.every
        this.#left--
        if (--run.left === 0) this.#runs.shift()
        if (this.waiting > 0) this.waiting--
        this.inFlight++
        this.#tick(now)
        this.#recent.count++
        if (this.waiting > this.#left && this.#left < this.#leased / 2) this.#ask(now)
    }

    /**
     * @param {number} connections those that are open among them
     * @returns {number} milliseconds until one more may be opened; Infinity: when `onChange` says
     */
    want(connections, now) {
        this.wanted = Math.max(this.wanted, connections)
        if (this.open < this.connections) return 0
        return this.#ask(now)
    }

    /** Is heard of, so that it keeps what it has, or gives it back where it is not needed. */
    renew() {
        if (!this.#askable) return
        this.#askable = false
        this.ask(this)
    }

    /** A connection ended that others wait for. */
    giveBack() {
        if (this.open >= this.connections) this.renew()
    }

    /** The lane goes. What is held goes back. */
    release() {
        this.waiting = this.open = this.wanted = 0
        this.#forget(this.#left)
        this.#runs = []
    }

    /**
     * What is asked for. Connections beyond it are no longer this edge's from here on.
     * @returns {{slots: number, connections: number, open: number, counted: object | null, unused: number}}
     */
    demand(now) {
        this.#forgetLate(now)
        const { waiting, open, counted, unused } = this
        const slots = Math.max(0, Math.min(waiting, this.#usable(now)) - this.#left)
        const connections = this.wants
        this.connections = Math.min(this.connections, connections)
        this.wanted = open
        this.unused = 0
        return { slots, connections, open, counted, unused }
    }

    /**
     * The answer.
     * @param {object} lease
     * @param {number} lease.slots how many
     * @param {number} lease.first instant of the first
     * @param {number} lease.every milliseconds between them
     * @param {number} lease.connections
     * @param {{leased: number, returned: number} | null} lease.counted
     * @param {number} lease.retry milliseconds before which there is no more
     */
    lease({ slots, first, every, connections, counted, retry }, now) {
        this.#askable = true
        this.#notBefore = now + Math.max(retry, ASK_EVERY_MS)
        this.connections = connections
        this.counted = counted
        if (slots > 0) {
            this.#runs.push({ at: first, every, left: slots })
            this.#left += slots
            this.#leased = slots
        }
        this.onChange()
    }

    #ask(now) {
        if (now < this.#notBefore) return this.#notBefore - now
        this.renew()
        return Infinity
    }

    #forgetLate(now) {
        if (this.#limits.ceiling && dayOf(now) !== this.#day) this.#newDay(now)
        const due = now - LATE_MS
        while (this.#left > 0 && this.#runs[0].at < due) {
            const [run] = this.#runs
            const late = Math.min(run.left, Math.ceil((due - run.at) / run.every))
            run.at += late * run.every
            run.left -= late
            this.#forget(late)
            if (run.left === 0) this.#runs.shift()
        }
    }

    /** What was counted under yesterday's ceiling cannot be used today. */
    #newDay(now) {
        this.#day = dayOf(now)
        this.#runs = []
        this.#left = this.unused = 0
        this.counted = null
    }

    #forget(slots) {
        this.#left -= slots
        if (this.#limits.ceiling) this.unused += slots
    }

    /** Slots that can be used before they are late: as many as lately, and one for each connection that is free. */
    #usable(now) {
        this.#tick(now)
        const free = Math.max(this.open, this.connections) - this.inFlight
        return Math.max(1, this.#recent.count + this.#recent.before + free)
    }

    #tick(now) {
        const recent = this.#recent
        if (now - recent.since < RECENT_MS) return
        recent.before = now - recent.since < 2 * RECENT_MS ? recent.count : 0
        recent.since = now
        recent.count = 0
    }
}

module.exports = { LaneBudget, intervalOf, LATE_MS }
