'use strict'

// Answers that hold for a time of their own. Look-ups of one name at the same time share one answer.
//
// lru-cache could do it all, but makes an AbortSignal for each look-up: most of the price of a DNS question.

const { LRUCache } = require('lru-cache')

const { steadyNow } = require('./clock')

class LookUps {
    #kept
    #underWay = new Map()

    /**
     * @param {object} options
     * @param {number} options.most answers that are kept
     * @param {(name: string, ...more: any[]) => Promise<{until: number}>} options.lookUp its answer holds until then,
     *   in milliseconds since 1970. A failure is not kept
     */
    constructor({ most, lookUp }) {
        this.#kept = new LRUCache({ max: most })
        this.lookUp = lookUp
    }

    /** @returns {{until: number} | undefined} what is known without looking it up */
    peek(name) {
        const kept = this.#kept.get(name)
        return kept && kept.until > steadyNow() ? kept : undefined
    }

    /** @returns {Promise<{until: number}>} the answer; `more` is for the look-up */
    async find(name, ...more) {
        const known = this.peek(name)
        if (known) return known
        if (!this.#underWay.has(name)) this.#underWay.set(name, this.#lookUp(name, more))
        return this.#underWay.get(name)
    }

    async #lookUp(name, more) {
        try {
            const answer = await this.lookUp(name, ...more)
            this.#kept.set(name, answer)
            return answer
        } finally {
            this.#underWay.delete(name)
        }
    }
}

module.exports = { LookUps }
