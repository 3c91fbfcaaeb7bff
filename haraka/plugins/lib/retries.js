'use strict'

/** How long a mail waits after each failed attempt, by the provider that deferred it. */
class Retries {
    /**
     * @param {number[]} schedule seconds after the first, second … failed attempt
     * @param {Map<string, number[]>} [byProvider] the same for some providers, by name
     */
    constructor(schedule, byProvider = new Map()) {
        this.schedule = schedule
        this.byProvider = byProvider
    }

    /**
     * @param {string | null} provider
     * @param {number} attempts that have failed, from 1
     * @returns {number | null} seconds; null where it is not tried again
     */
    pauseAfter(provider, attempts) {
        const schedule = this.byProvider.get(provider) ?? this.schedule
        return schedule[attempts - 1] ?? null
    }
}

module.exports = { Retries }
