'use strict'

// Calls when the earliest of the times has come that it was set to.

const { steadyNow } = require('./clock')

const LONGEST_MS = 60_000

class Alarm {
    #timer = null
    #at = Infinity

    /** @param {() => void} ring */
    constructor(ring) {
        this.ring = ring
    }

    /** @param {number} ms from now; Infinity: never. What is far off rings early */
    setIn(ms) {
        if (ms === Infinity) return
        const at = steadyNow() + Math.min(ms, LONGEST_MS)
        if (at >= this.#at) return
        clearTimeout(this.#timer)
        this.#at = at
        this.#timer = setTimeout(() => {
            this.#at = Infinity
            this.ring()
        }, at - steadyNow())
    }

    clear() {
        clearTimeout(this.#timer)
        this.#at = Infinity
    }
}

module.exports = { Alarm }
