'use strict'

// A lane that does with the shaper and the queue what lanes do, to a simulated provider instead of a socket.

const { FairQueue } = require('../../plugins/lib/fair_queue')

const IDLE_MS = 30_000
const LOOK_EVERY_MS = 1000

class SimulatedLane {
    #idle = [] // connections, the one that was used last at the end
    #open = 0
    #connecting = 0
    #wake = () => {}

    /**
     * @param {object} options
     * @param {import('../../plugins/lib/shaping').Shaper} options.shaper
     * @param {import('./provider').Provider} options.provider
     * @param {import('../../plugins/lib/clock').Clock} options.clock
     * @param {(job: object, reply: object) => void} options.done
     */
    constructor({ shaper, provider, clock, done }) {
        Object.assign(this, { shaper, provider, clock, done })
        this.queue = new FairQueue({ now: clock.now })
        shaper.onChange = () => this.pump()
        this.stopLooking = clock.every(LOOK_EVERY_MS, () => this.#lookAtIdle())
    }

    push(job) {
        this.queue.push(job)
    }

    pump() {
        this.#wake()
        while (this.queue.size > 0) {
            const idle = this.#idle.at(-1)
            const wait = idle
                ? this.shaper.canSend(this.queue.size)
                : this.shaper.canConnect(this.#open, this.#connecting, this.queue.size)
            if (wait > 0) {
                if (wait < Infinity) this.#wake = this.clock.after(wait, () => this.pump())
                return
            }
            if (idle) this.#begin(this.#idle.pop())
            else this.#connect()
        }
    }

    #connect() {
        this.#open++
        this.#connecting++
        this.provider.connect((refusal) => {
            this.#connecting--
            if (refusal) {
                this.#open--
                this.shaper.answered(refusal)
                this.shaper.closed(this.#open)
            } else {
                this.shaper.connected()
                this.#rest({ mails: 0 })
            }
            this.pump()
        })
    }

    #begin(connection) {
        const job = this.queue.shift()
        connection.mails++
        this.shaper.began()
        job.beganAt ??= this.clock.now()
        this.provider.mail(connection.mails, (reply) => {
            this.shaper.answered(reply)
            this.shaper.ended()
            const stays = reply.code !== 421 && connection.mails < this.shaper.mailsPerConnection
            if (stays && this.shaper.keeps(this.#open)) this.#rest(connection)
            else this.#close()
            this.done(job, reply)
            this.pump()
        })
    }

    #rest(connection) {
        connection.since = this.clock.now()
        this.#idle.push(connection)
    }

    #lookAtIdle() {
        const longest = this.clock.now() - IDLE_MS
        while (this.#idle.length && (this.#idle[0].since < longest || !this.shaper.keeps(this.#open))) {
            this.#idle.shift()
            this.#close()
        }
    }

    #close() {
        this.#open--
        this.provider.disconnect()
        this.shaper.closed(this.#open)
    }
}

module.exports = { SimulatedLane }
