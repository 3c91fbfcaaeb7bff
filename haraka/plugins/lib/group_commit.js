'use strict'

// Shares one costly step among all who ask for it while an earlier one is under way: a write and its fdatasync.

const { setImmediate, setTimeout } = require('node:timers/promises')

class GroupCommit {
    #waiting = [] // {item, resolve, reject} of the next group
    #running = null

    /**
     * @param {(items: any[]) => Promise<any>} commit a group stands or falls as one
     * @param {number} [gatherMs] how long each group waits for company, where nobody is in a hurry
     */
    constructor(commit, gatherMs = 0) {
        this.commit = commit
        this.gatherMs = gatherMs
    }

    /** @returns {Promise<any>} what `commit` gave for the group that `item` is in */
    add(item) {
        return new Promise((resolve, reject) => {
            this.#waiting.push({ item, resolve, reject })
            this.#running ??= this.#run()
        })
    }

    /** Resolves when nothing waits. */
    async idle() {
        await this.#running
    }

    async #run() {
        // What is asked for in the same turn belongs to one group.
        await setImmediate()
        while (this.#waiting.length) {
            if (this.gatherMs) await setTimeout(this.gatherMs)
            const group = this.#waiting
            this.#waiting = []
            try {
                const result = await this.commit(group.map(({ item }) => item))
                for (const { resolve } of group) resolve(result)
            } catch (err) {
                for (const { reject } of group) reject(err)
            }
        }
        this.#running = null
    }
}

module.exports = { GroupCommit }
