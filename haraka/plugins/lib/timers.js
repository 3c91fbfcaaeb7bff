'use strict'

// Items that are due at some second: as many as there may be, put in and taken out without looking at the others.

const { steadyNow } = require('./clock')

const SECOND = 1000

class Timers {
    #items = new Map() // second → items
    #last // the last second that was looked at
    #size = 0

    /** @param {(item: any) => void} onDue @param {() => number} [now] milliseconds since 1970 */
    constructor(onDue, now = steadyNow) {
        this.onDue = onDue
        this.now = now
        this.#last = Math.floor(now() / SECOND)
    }

    get size() {
        return this.#size
    }

    /** @param {any} item @param {number} at in milliseconds since 1970; it is due at the end of that second */
    add(item, at) {
        const second = Math.max(Math.ceil(at / SECOND), this.#last + 1)
        const items = this.#items.get(second)
        if (items) items.push(item)
        else this.#items.set(second, [item])
        this.#size++
    }

    /** Gives out what is due. To be called about every second. */
    tick() {
        const until = Math.floor(this.now() / SECOND)
        for (let second = this.#last + 1; second <= until; second++) this.#giveOut(second)
        this.#last = Math.max(this.#last, until)
    }

    /** Gives out everything now. */
    flush() {
        for (const second of [...this.#items.keys()].sort((a, b) => a - b)) this.#giveOut(second)
    }

    /** @param {(item: any) => boolean} isChosen @returns {any[]} items that are no longer in */
    take(isChosen) {
        const all = [...this.#items]
        const taken = all.flatMap(([, items]) => items.filter(isChosen))
        const isLeft = (item) => !isChosen(item)
        this.#items = new Map(all.map(([second, items]) => [second, items.filter(isLeft)]))
        this.#size -= taken.length
        return taken
    }

    #giveOut(second) {
        const items = this.#items.get(second) ?? []
        this.#items.delete(second)
        this.#size -= items.length
        items.forEach(this.onDue)
    }
}

module.exports = { Timers }
