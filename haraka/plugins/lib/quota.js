'use strict'

// How much may wait in the spool, and whose. Past the limit a team that has little in it is still let in, into a
// reserve: one team's hundred thousand mails do not keep out another's ten.

// Of the limit: what a team may have and still count as small, and the reserve of all small ones together.
const SMALL = 1 / 50
const RESERVE = 1 / 4

const AMOUNTS = ['mails', 'bytes']

/** @typedef {{mails: number, bytes: number}} Amount */

class Quota {
    #teams = new Map()

    /** @param {Amount} limit */
    constructor(limit) {
        this.limit = limit
        /** @type {Amount} */
        this.total = { mails: 0, bytes: 0 }
    }

    /**
     * @param {number} teamId
     * @param {Amount} more
     * @returns {string | null} why there is no room for it now; null where there is
     */
    refusal(teamId, more) {
        // Whatever the limit, what is alone may come.
        if (this.total.mails === 0 || this.#fits(this.total, more, 1)) return null
        const isSmall = this.#fits(this.#of(teamId), more, SMALL)
        if (isSmall && this.#fits(this.total, more, 1 + RESERVE)) return null
        const { mails, bytes } = this.total
        return `The spool is full: ${mails} mails, ${bytes} bytes; try again in a moment`
    }

    /** @param {number} teamId @param {Amount} more */
    add(teamId, more) {
        const team = this.#of(teamId)
        this.#teams.set(teamId, team)
        for (const amount of AMOUNTS) {
            team[amount] += more[amount]
            this.total[amount] += more[amount]
        }
    }

    /** @param {number} teamId @param {Amount} less */
    remove(teamId, less) {
        this.add(teamId, { mails: -less.mails, bytes: -less.bytes })
        const { mails, bytes } = this.#of(teamId)
        if (mails === 0 && bytes === 0) this.#teams.delete(teamId)
    }

    #of(teamId) {
        return this.#teams.get(teamId) ?? { mails: 0, bytes: 0 }
    }

    #fits(there, more, share) {
        return AMOUNTS.every((amount) => there[amount] + more[amount] <= this.limit[amount] * share)
    }
}

module.exports = { Quota }
