'use strict'

// What an operator says of lanes, at once: `<source or *>|<provider or *>` → {action, reason, by, at}.
//
//   pause   nothing begins, mail waits
//   drain   connections end after their mail; what waits goes over other sources of the pool, if there are any

const ALL = '*'

class Controls {
    /** @param {Record<string, {action: 'pause' | 'drain', reason: string, by: string, at: string}>} [records] */
    constructor(records = {}) {
        this.records = records
    }

    /**
     * @returns {object | null} the record that holds for the lane. Of several the closest, but one that drains
     *   before one that pauses: both hold mail back, and a drained lane must give away what it has
     */
    of(source, provider) {
        const found = [
            [source, provider],
            [source, ALL],
            [ALL, provider],
            [ALL, ALL],
        ].flatMap((pair) => this.records[pair.join('|')] ?? [])
        return found.find(({ action }) => action === 'drain') ?? found[0] ?? null
    }
}

module.exports = { Controls }
