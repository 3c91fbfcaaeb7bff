'use strict'

// Keeps what a look-up found for a while; look-ups of the same key at the same time share one answer.

const { steadyNow } = require('./clock')

const KEPT_AT_MOST = 10_000

class Cache {
    #kept = new Map()

    /**
     * @param {number} ms how long an answer is kept
     * @param {(err: Error) => boolean} [keeps] whether a failure is kept too
     */
    constructor(ms, keeps = () => false) {
        this.ms = ms
        this.keeps = keeps
    }

    /** @returns {Promise<any>} what `lookUp()` resolves to */
    get(key, lookUp) {
        const kept = this.#kept.get(key)
        if (kept && steadyNow() < kept.until) return kept.value
        if (this.#kept.size >= KEPT_AT_MOST) this.#kept.clear()
        const value = lookUp()
        this.#kept.set(key, { value, until: steadyNow() + this.ms })
        value.catch((err) => this.keeps(err) || this.#kept.delete(key))
        return value
    }
}

module.exports = { Cache }
