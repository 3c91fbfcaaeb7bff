'use strict'

// The limits of a lane: what an operator says of its provider (LANES:POLICIES), else what is known of it
// (limits.json, with sources), else what holds for all; and, while its source warms up, the day's ceiling.

const DEFAULTS = require('./limits.json')

const ALL = '*'

/**
 * @typedef {object} Limits
 * @property {number} perMinute mails
 * @property {number} connections at the same time
 * @property {number} mailsPerConnection
 * @property {{counter: string, mails: number, surplus: 'wait' | 'overflow'} | null} ceiling of the UTC day; counter:
 *   the provider, or `*` where all providers without a plan of their own count together
 */

class Policies {
    /**
     * @param {Record<string, object>} [byProvider] the records of LANES:POLICIES
     * @param {Record<string, Record<string, object>>} [warmups] by source: the records of WARMUP:<source>
     */
    constructor(byProvider = {}, warmups = {}) {
        this.byProvider = byProvider
        this.warmups = warmups
    }

    /**
     * @param {string} source
     * @param {string} provider
     * @param {string} day of UTC, `2026-11-24`
     * @returns {Limits}
     */
    limitsOf(source, provider, day) {
        const sayings = [this.byProvider[provider], this.byProvider[ALL], DEFAULTS[provider], DEFAULTS[ALL]]
        const [own, ofAll, known, last] = sayings
        const value = (field) => own?.[field] ?? ofAll?.[field] ?? known?.[field] ?? last[field]
        return {
            perMinute: value('per_minute'),
            connections: value('connections'),
            mailsPerConnection: value('mails_per_connection'),
            ceiling: this.#ceiling(source, provider, day, value('per_day')),
        }
    }

    #ceiling(source, provider, day, perDay) {
        const plans = this.warmups[source] ?? {}
        const counter = plans[provider] ? provider : ALL
        const planned = plans[counter] && mailsOf(plans[counter].days, day)
        if (planned === undefined || planned === null) {
            return perDay && { counter: provider, mails: perDay, surplus: 'wait' }
        }
        const mails = counter === ALL ? planned : Math.min(planned, perDay ?? Infinity)
        return { counter, mails, surplus: plans[counter].surplus }
    }
}

/**
 * @param {Record<string, number>} days of a warm-up plan
 * @returns {number | null} the ceiling of `day`: 0 before the plan begins, that of the day before where a day is
 *   missing, null when the plan is over
 */
function mailsOf(days, day) {
    const planned = Object.keys(days).sort()
    if (planned.length === 0 || day > planned.at(-1)) return null
    const last = planned.findLast((other) => other <= day)
    return last === undefined ? 0 : days[last]
}

/** The table of docs/shaping.md. */
function asMarkdown() {
    const rows = Object.entries(DEFAULTS).map(([provider, limits]) => {
        const { connections, mails_per_connection: mails, per_minute: rate, source } = limits
        return `| \`${provider}\` | ${rate} | ${connections} | ${mails} | ${source} |`
    })
    const head = [
        '| Provider | Mails a minute | Connections | Mails a connection | Source |',
        '|---|---|---|---|---|',
    ]
    return [...head, ...rows].join('\n')
}

module.exports = { Policies }

if (require.main === module) console.log(asMarkdown())
