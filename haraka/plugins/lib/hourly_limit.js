'use strict'

// How many recipients a team may have in an hour, counted over all edges: taken before a mail is answered 250, given back
// where it was not taken after all.

const names = require('./names')

const HOUR_MS = 3_600_000
// Longer than the hour itself: clocks of edges differ a little.
const KEPT_SECONDS = 2 * 3600

// KEYS: the hour's count. ARGV: how many more, the limit, seconds. Answers 1 where they were taken.
const RESERVE = `
    local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
    if taken + ARGV[1] > tonumber(ARGV[2]) then return 0 end
    redis.call('INCRBY', KEYS[1], ARGV[1])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
    return 1`

const UNLIMITED = { isTaken: true, giveBack: async () => {} }

class HourlyLimit {
    /** @param {import('ioredis').Redis} redis */
    constructor(redis) {
        this.redis = redis
        redis.defineCommand('reserveRecipients', { lua: RESERVE, numberOfKeys: 1 })
    }

    /**
     * @param {number} limit 0: there is none
     * @returns {Promise<{isTaken: boolean, giveBack: (count: number) => Promise<void>}>}
     */
    async reserve(teamId, count, limit) {
        if (limit === 0) return UNLIMITED
        const key = names.recipientsKey(teamId, Math.floor(Date.now() / HOUR_MS))
        const isTaken = (await this.redis.reserveRecipients(key, count, limit, KEPT_SECONDS)) === 1
        const giveBack = async (back) => {
            if (back > 0) await this.redis.decrby(key, back)
        }
        return { isTaken, giveBack }
    }
}

/** @returns {number} until the next hour begins */
const minutesLeft = () => Math.ceil((HOUR_MS - (Date.now() % HOUR_MS)) / 60_000)

module.exports = { HourlyLimit, minutesLeft }
