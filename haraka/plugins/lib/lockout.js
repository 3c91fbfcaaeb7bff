'use strict'

// Who failed to log in too often has to wait, each time twice as long: an address, and the team whose keys are guessed.
// Counted in Redis, over all connections, processes and edges. Anybody can fail in a team's name, so a team does not
// wait at an address that it has logged in from before.

const ipaddr = require('ipaddr.js')

const names = require('./names')

const KNOWN_SECONDS = 30 * 24 * 3600

// KEYS: failures, lock, and whoever is never locked. ARGV: how many failures are free. Answers with the seconds to wait.
// Past the free ones the first to ask takes the only try of the next second: many at once have no more than one.
const MAY_TRY = `
    if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
    local wait = redis.call('TTL', KEYS[2])
    if wait >= 0 then return wait + 1 end
    if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then redis.call('SET', KEYS[2], 1, 'EX', 1) end
    return 0`

// KEYS: failures, lock. ARGV: how many are free, longest wait, which is also how long failures are remembered.
const FAIL = `
    local failures = redis.call('INCR', KEYS[1])
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    local above = failures - tonumber(ARGV[1])
    if above < 0 then return end
    redis.call('SET', KEYS[2], 1, 'EX', math.min(tonumber(ARGV[2]), 2 ^ math.min(above, 30)))`

class Lockout {
    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis
     * @param {number} options.ofAddress failures that an address has free
     * @param {number} options.ofTeam
     * @param {number} options.window longest wait in seconds
     */
    constructor({ redis, ofAddress, ofTeam, window }) {
        Object.assign(this, { redis, ofAddress, ofTeam, window })
        redis.defineCommand('mayTryLogin', { lua: MAY_TRY, numberOfKeys: 3 })
        redis.defineCommand('failLogin', { lua: FAIL, numberOfKeys: 2 })
    }

    /** @returns {Promise<number>} seconds that the address has to wait; 0: it may try */
    addressWaits(ip) {
        return this.redis.mayTryLogin(...keysOf(networkOf(ip)), '', this.ofAddress)
    }

    /** The same for a try in a team's name. */
    teamWaits(teamId, ip) {
        const known = names.loginKnownKey(teamId, networkOf(ip))
        return this.redis.mayTryLogin(...keysOf(whoIs(teamId)), known, this.ofTeam)
    }

    /** @param {string | null} teamId null where it was in no team's name */
    async failed(teamId, ip) {
        const fail = (who, free) => this.redis.failLogin(...keysOf(who), free, this.window)
        await fail(networkOf(ip), this.ofAddress)
        if (teamId !== null) await fail(whoIs(teamId), this.ofTeam)
    }

    async succeeded(teamId, ip) {
        await this.redis.set(names.loginKnownKey(teamId, networkOf(ip)), 1, 'EX', KNOWN_SECONDS)
    }
}

const whoIs = (teamId) => `team-${teamId}`
const keysOf = (who) => [names.loginFailuresKey(who), names.loginLockKey(who)]

/** Whoever has one IPv6 address has a /64 of them (RFC 6177). */
function networkOf(ip) {
    const address = ipaddr.process(ip)
    if (address.kind() === 'ipv4') return address.toString()
    return `${address
        .toByteArray()
        .slice(0, 8)
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('')}/64`
}

module.exports = { Lockout, networkOf }
