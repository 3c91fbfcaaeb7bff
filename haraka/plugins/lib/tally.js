'use strict'

/** How many there are of each kind. */
class Tally {
    #counts = new Map()

    /** @param {string | number} kind @param {number} [count] may be negative */
    add(kind, count = 1) {
        const sum = (this.#counts.get(kind) ?? 0) + count
        if (sum === 0) this.#counts.delete(kind)
        else this.#counts.set(kind, sum)
    }

    /** @param {Tally} other @returns {Tally} of both together */
    plus(other) {
        const both = new Tally()
        for (const { entries } of [this, other]) for (const [kind, count] of entries) both.add(kind, count)
        return both
    }

    get entries() {
        return this.#counts.entries()
    }

    /** @returns {Record<string, number>} without kinds of which there are none */
    toObject() {
        return Object.fromEntries(this.#counts)
    }
}

module.exports = { Tally }
