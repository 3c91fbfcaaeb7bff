'use strict'

// What this edge tells of itself to whoever asks Redis: JSON in a key of its own, written each second, and forgotten
// soon after the edge has ended.

const { systemClock } = require('./clock')
const log = require('./log')

const WRITE_EVERY_MS = 1000
const KEPT_SECONDS = 10

class ToldState {
    #stop = () => {}

    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis
     * @param {string} options.key that no other process writes
     * @param {() => object} options.read what it tells
     * @param {import('./clock').Clock} [options.clock]
     */
    constructor({ redis, key, read, clock = systemClock }) {
        Object.assign(this, { redis, key, read, clock })
    }

    start() {
        this.#stop = this.clock.every(WRITE_EVERY_MS, () => this.write())
        return this.write()
    }

    /** It is no longer told. */
    async close() {
        this.#stop()
        await this.#tryTo(() => this.redis.del(this.key))
    }

    write() {
        const text = JSON.stringify(this.read())
        return this.#tryTo(() => this.redis.set(this.key, text, 'EX', KEPT_SECONDS))
    }

    async #tryTo(command) {
        try {
            await command()
        } catch (err) {
            log.debug('state not told', { key: this.key, reason: err.message })
        }
    }
}

module.exports = { ToldState }
