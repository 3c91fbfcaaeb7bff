'use strict'

// Something in Redis that is looked at each second, and at once when a message on its channel says that it changed.
// While Redis is away what was read last holds.

const log = require('./log')

const LOOK_EVERY_MS = 1000

class Watched {
    #last = '' // as it was in Redis
    #looks = 0
    #latest = 0
    #stopLooking = () => {}

    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis
     * @param {import('./clock').Clock} options.clock
     * @param {string} options.channel
     * @param {() => Promise<object>} options.read
     * @param {(found: object) => void} options.onChange called with what was read at the first look and after changes
     */
    constructor({ redis, clock, channel, read, onChange }) {
        Object.assign(this, { redis, clock, channel, read, onChange })
    }

    /** Resolves after the first look; where Redis is away nothing was read then. */
    async start() {
        this.subscriber = this.redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null })
        this.subscriber.on('error', () => {}) // `redis` says so
        this.subscriber.on('message', () => this.look())
        this.subscriber.subscribe(this.channel).catch(() => {})
        this.#stopLooking = this.clock.every(LOOK_EVERY_MS, () => this.look())
        await this.look()
    }

    close() {
        this.#stopLooking()
        this.subscriber?.disconnect()
    }

    async look() {
        const look = ++this.#looks
        try {
            const found = await this.read()
            const text = JSON.stringify(found)
            if (look < this.#latest || text === this.#last) return
            this.#latest = look
            this.#last = text
            this.onChange(found)
        } catch (err) {
            log.debug('records not read', { channel: this.channel, reason: err.message })
        }
    }
}

module.exports = { Watched }
