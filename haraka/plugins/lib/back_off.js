'use strict'

// How a lane yields to a provider's complaints, and comes back. Additive increase, multiplicative decrease: senders
// that know nothing of each other so come to share what there is (Chiu and Jain, Analysis of the Increase and
// Decrease Algorithms for Congestion Avoidance, 1989). So each edge may judge by what it hears itself.
//
//   open ──complaint──▶ paused ──time is up──▶ probing ──a mail is taken──▶ recovering ──at the limit──▶ open
//                         ▲                       │                             │
//                         └──complaint: longer────┴─────────complaint───────────┘
//
// Too many connections are another matter: those that are open go on, fewer are opened.

const { meanings } = require('./replies')

const SECOND = 1000
const MINUTE = 60 * SECOND

// How long nothing is sent at first, and at most where each probe is met with a complaint.
const PAUSES = {
    rate: { first: 30 * SECOND, longest: 4 * MINUTE },
    server: { first: 10 * SECOND, longest: 5 * MINUTE },
    reputation: { first: 10 * MINUTE, longest: 4 * 60 * MINUTE },
}
const DECREASE = 1 / 2
const LEAST = 1 / 32 // of the limit
const INCREASE = 1 / 20 // of the limit, each
const INCREASE_EVERY_MS = 10 * SECOND
// Complaints about one burst come together; only the first one counts.
const SETTLE_MS = 5 * SECOND

class BackOff {
    #phase = 'open' // see above
    #cause = null // {kind, words}
    #pauseMs = 0
    #until = 0 // end of the pause
    #probed = false
    #rate = Infinity // share of the rate's limit at #since
    #connections = Infinity // share of the connections' limit at #since
    #since = 0
    #fewer = null // of connections only: {share, since, words}

    /** Nothing at all is held back. Cheap: asked for each mail. */
    get rests() {
        return this.#phase === 'open' && this.#fewer === null
    }

    get probing() {
        return this.#phase === 'probing'
    }

    /** @returns {number} milliseconds for which nothing is sent */
    wait(now) {
        if (this.#phase !== 'paused') return 0
        if (now < this.#until) return this.#until - now
        this.#phase = 'probing'
        this.#probed = false
        return 0
    }

    /** @returns {number} of the limit of mails a minute, up to 1 */
    rate(now) {
        return this.#share(this.#rate, now)
    }

    /** @returns {number} of `limit` connections, those that may be open */
    connections(limit, now) {
        if (this.#phase === 'paused' || this.#phase === 'probing') return Math.min(1, limit)
        let share = this.#share(this.#connections, now)
        if (this.#fewer) {
            const { share: fewer, since } = this.#fewer
            share = Math.min(share, fewer + increase(since, now))
            if (share >= 1) this.#fewer = null
        }
        return Math.min(limit, Math.max(1, Math.ceil(limit * share)))
    }

    /** A mail begins. */
    began() {
        this.#probed = true
    }

    /**
     * The provider complains.
     * @param {'rate' | 'server' | 'reputation'} kind
     * @param {string} words what it said
     * @param {{rate: number, connections: number}} used as shares of the limits
     */
    complaint(kind, words, used, now) {
        if (this.#phase === 'paused' || (this.#phase === 'probing' && !this.#probed)) return
        const { first, longest } = PAUSES[kind]
        if (this.#phase === 'probing') {
            this.#pauseMs = Math.min(longest, Math.max(first, this.#pauseMs * 2))
        } else {
            this.#pauseMs = first
            this.#rate = decreased(Math.min(this.rate(now), used.rate))
            this.#connections = decreased(Math.min(this.#share(this.#connections, now), used.connections))
        }
        this.#phase = 'paused'
        this.#until = now + this.#pauseMs
        this.#cause = { kind, words }
    }

    /** The provider has too many connections of ours. @param {number} used share of the limit */
    tooManyConnections(words, used, now) {
        if (this.#fewer && now < this.#fewer.since + SETTLE_MS) return
        const share = Math.min(used, this.#fewer ? this.#fewer.share + increase(this.#fewer.since, now) : 1)
        this.#fewer = { share: decreased(share), since: now, words }
    }

    /** The provider has dealt with a mail, be it taken or refused for the mail's own sake. */
    success(now) {
        if (this.#phase === 'open') return
        if (this.#phase === 'probing') {
            this.#phase = 'recovering'
            this.#since = now
        }
        if (
            this.#phase === 'recovering' &&
            Math.min(this.rate(now), this.#share(this.#connections, now)) >= 1
        ) {
            this.#phase = 'open'
            this.#rate = this.#connections = Infinity
            this.#cause = null
        }
    }

    /**
     * @returns {{until: number | null, reason: string} | null} for people; until: in milliseconds since 1970, when
     *   mail is tried again
     */
    explain(now) {
        if (this.#phase !== 'open') {
            const { kind, words } = this.#cause
            const because = `${meanings[kind]}: ${words}`
            if (this.wait(now)) return { until: this.#until, reason: `paused, ${because}` }
            if (this.probing) return { until: null, reason: `probing with one mail at a time, ${because}` }
            const percent = Math.floor(this.#recovered(now) * 100)
            return { until: null, reason: `recovering, at ${percent} % of the limits, ${because}` }
        }
        if (!this.#fewer) return null
        return { until: null, reason: `fewer connections, ${meanings.connections}: ${this.#fewer.words}` }
    }

    /** @returns {number} of the limits, up to 1 */
    #recovered(now) {
        return Math.min(this.#share(this.#rate, now), this.#share(this.#connections, now))
    }

    #share(from, now) {
        if (this.#phase === 'open') return 1
        if (this.#phase !== 'recovering') return Math.min(1, from)
        return Math.min(1, from + increase(this.#since, now))
    }
}

const increase = (since, now) => Math.floor((now - since) / INCREASE_EVERY_MS) * INCREASE

const decreased = (share) => Math.max(LEAST, Math.min(1, share) * DECREASE)

module.exports = { BackOff, PAUSES }
