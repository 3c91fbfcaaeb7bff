'use strict'

// A receiving provider, simulated: it takes time, counts what it sees, and refuses what is too much.

const MINUTE_MS = 60_000

const REPLIES = {
    taken: { code: 250, enhanced: '2.0.0', text: 'OK', step: 'dot' },
    storm: {
        code: 421,
        enhanced: '4.7.28',
        text: 'Gmail has detected an unusual rate of mail originating from your IP address.',
        step: 'dot',
    },
    tooFast: { code: 450, enhanced: '4.7.1', text: 'rate limit exceeded', step: 'mail' },
    greylisted: { code: 451, enhanced: '4.7.1', text: 'Greylisted, please try again later', step: 'rcpt' },
    tooMany: { code: 421, enhanced: '4.7.0', text: 'too many connections', step: 'greeting' },
}

class Provider {
    seen = [] // instants at which it saw a mail begin
    taken = [] // instants at which it took one
    open = 0
    mostOpen = 0
    mostOnAConnection = 0
    #recent = 0 // index in `seen` of the first of the last minute

    /**
     * @param {object} options
     * @param {string} options.name
     * @param {number} options.perMinute what it takes
     * @param {number} options.connections
     * @param {number} options.mailsPerConnection
     * @param {[number, number]} options.latencyMs of a mail: from, to
     * @param {[number, number]} [options.stormMs] from, to: refuses everything, counted from the start
     * @param {number} [options.greylists] the part of mails that it wants to see again
     * @param {import('../../plugins/lib/clock').Clock} clock
     * @param {() => number} random from 0 to 1
     */
    constructor(options, clock, random) {
        Object.assign(this, { greylists: 0, stormMs: [0, 0] }, options, { clock, random })
        this.start = clock.now()
    }

    /** `answer` is called with nothing, or with the greeting that refuses. */
    connect(answer) {
        this.open++
        this.mostOpen = Math.max(this.mostOpen, this.open)
        const refused = this.open > this.connections
        if (refused) this.open--
        this.clock.after(this.#latency() / 2, () => answer(refused ? REPLIES.tooMany : undefined))
    }

    disconnect() {
        this.open--
    }

    /** @param {number} nth mail of its connection */
    mail(nth, answer) {
        this.mostOnAConnection = Math.max(this.mostOnAConnection, nth)
        // Networks do not bring all mails equally fast.
        this.clock.after(this.random() * 200, () => {
            const reply = this.#judge()
            this.clock.after(reply.code === 250 ? this.#latency() : 50, () => {
                if (reply === REPLIES.taken) this.taken.push(this.clock.now())
                answer(reply)
            })
        })
    }

    isStormy(now) {
        const [from, to] = this.stormMs
        return now - this.start >= from && now - this.start < to
    }

    /** @returns {number} the most mails that it saw within any minute */
    get mostInAMinute() {
        let first = 0
        return this.seen.reduce((most, at, i) => {
            while (this.seen[first] <= at - MINUTE_MS) first++
            return Math.max(most, i - first + 1)
        }, 0)
    }

    #judge() {
        const now = this.clock.now()
        this.seen.push(now)
        while (this.seen[this.#recent] <= now - MINUTE_MS) this.#recent++
        if (this.isStormy(now)) return REPLIES.storm
        if (this.seen.length - this.#recent > this.perMinute) return REPLIES.tooFast
        return this.random() < this.greylists ? REPLIES.greylisted : REPLIES.taken
    }

    #latency() {
        const [from, to] = this.latencyMs
        return from + this.random() * (to - from)
    }
}

module.exports = { Provider }
