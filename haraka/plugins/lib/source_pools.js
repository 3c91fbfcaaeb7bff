'use strict'

// Which of our addresses may send a mail: those of its pool; the team's own where it has any.

class SourcePools {
    #pools = new Map() // pool → team id, or null → sources

    /** @type {import('./lanes').Source[]} */
    all = []

    /** @param {() => import('./lanes').Source[]} sources a change is a new array */
    constructor(sources) {
        this.sources = sources
    }

    /**
     * @param {'engage' | 'send'} pool
     * @param {number} teamId
     * @returns {import('./lanes').Source[]}
     */
    of(pool, teamId) {
        this.refresh()
        const ofPool = this.#pools.get(pool)
        return ofPool?.get(teamId) ?? ofPool?.get(null) ?? []
    }

    refresh() {
        const sources = this.sources()
        if (sources === this.all) return
        this.all = sources
        this.#pools = new Map()
        for (const source of sources) for (const pool of source.pools) this.#add(pool, source)
    }

    #add(pool, source) {
        const ofPool = this.#pools.get(pool) ?? new Map()
        this.#pools.set(pool, ofPool)
        const ofTeam = ofPool.get(source.teamId) ?? []
        ofPool.set(source.teamId, ofTeam)
        ofTeam.push(source)
    }
}

module.exports = { SourcePools }
