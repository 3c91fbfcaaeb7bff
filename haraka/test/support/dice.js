'use strict'

// Chance that comes the same each time: mulberry32, of one seed.

class Dice {
    constructor(seed) {
        this.state = seed
    }

    /** @returns {number} from 0 to below `sides` */
    roll(sides) {
        this.state = (this.state + 0x6d2b79f5) | 0
        let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
        x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
        return ((x ^ (x >>> 14)) >>> 0) % sides
    }

    one(things) {
        return things[this.roll(things.length)]
    }

    /** From none to `most` of `things`, each as often as it comes. */
    some(things, most) {
        return Array.from({ length: this.roll(most + 1) }, () => this.one(things))
    }
}

module.exports = { Dice }
