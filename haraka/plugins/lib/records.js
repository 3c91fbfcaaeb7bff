'use strict'

// Teams and sending domains as the API wrote them into Redis (sidecars/edge/records.py).

const { createHash, createPrivateKey, timingSafeEqual } = require('node:crypto')

const { waitingFor } = require('./backpressure')
const { Cache } = require('./cache')
const names = require('./names')
const seal = require('./seal')

const KEPT_MS = 10_000
const TEAM_FIELDS = [
    'domains',
    'recipients_an_hour',
    'stopped:transactional',
    'stopped:broadcast',
    'out_of_credits',
]

const sha256 = (value) => createHash('sha256').update(value).digest()

class Records {
    #kept = new Cache(KEPT_MS)

    /**
     * @param {import('ioredis').Redis} redis
     * @param {Buffer} encryptionKey opens the private keys
     */
    constructor(redis, encryptionKey) {
        this.redis = redis
        this.encryptionKey = encryptionKey
    }

    /**
     * Always asks Redis, so that a revoked key is refused at once.
     * @returns {Promise<{id: number, keyField: string, apiKeyId: number, onlyDomain: string | null,
     *   onlyStream: string | null, expiresAt: number} | null>} null where team or key is unknown, or the key expired
     */
    async login(teamId, apiKey) {
        if (!/^\d{1,15}$/.test(teamId)) return null
        const record = await this.#ask((redis) => redis.hgetall(names.teamKey(teamId)))
        const offered = sha256(apiKey)
        let keyField = null
        for (const field of Object.keys(record)) {
            if (!/^key:[0-9a-f]{64}$/.test(field)) continue
            if (timingSafeEqual(Buffer.from(field.slice(4), 'hex'), offered)) keyField = field
        }
        if (!keyField || hasExpired(record[keyField])) return null
        return { id: Number(teamId), keyField, ...scopeOf(record[keyField]) }
    }

    /**
     * @returns {Promise<{domains: string[], recipientsAnHour: number, stopped: {transactional: string | null,
     *   broadcast: string | null}, outOfCredits: string | null}>} at most 10 s old; domains: verified; 0: any number; stopped: why a stream
     *   is; outOfCredits: what to say where the team may send no more this month
     */
    team(teamId) {
        const key = names.teamKey(teamId)
        return this.#kept.get(key, async () => {
            const found = await this.#ask((redis) => redis.hmget(key, ...TEAM_FIELDS))
            const [domains, recipientsAnHour, transactional, broadcast, outOfCredits] = found
            return {
                domains: (domains ?? '').split(',').filter((domain) => domain !== ''),
                recipientsAnHour: Number(recipientsAnHour ?? 0),
                stopped: { transactional, broadcast },
                outOfCredits,
            }
        })
    }

    /**
     * @returns {Promise<{teamId: number, keys: import('./dkim').Key[], returnPath: string, trackingUrl: string,
     *   track: {opens: boolean, clicks: boolean}} | null>} at most 10 s old; null where the domain is unknown
     */
    domain(domain) {
        const key = names.domainKey(domain)
        return this.#kept.get(key, async () => {
            const record = await this.#ask((redis) => redis.hgetall(key))
            if (!record.private_key) return null
            return {
                teamId: Number(record.team_id),
                keys: this.#keysOf(domain.toLowerCase(), record),
                returnPath: record.return_path,
                trackingUrl: record.tracking_url,
                track: { opens: record.track_opens === '1', clicks: record.track_clicks === '1' },
            }
        })
    }

    #ask(command) {
        return waitingFor('redis', () => command(this.redis))
    }

    #keysOf(domain, record) {
        const key = (algorithm, selector, sealed) => ({
            domain,
            selector,
            algorithm,
            privateKey: createPrivateKey(seal.open(sealed, this.encryptionKey)),
        })
        const keys = [key('rsa-sha256', record.selector, record.private_key)]
        if (record.ed25519_private_key) {
            keys.push(key('ed25519-sha256', record.ed25519_selector, record.ed25519_private_key))
        }
        return keys
    }

    /** The sending domain above `returnPath`, which is a name below it; null where we know of none. */
    async domainOfReturnPath(returnPath) {
        const labels = returnPath.toLowerCase().split('.')
        for (let i = 1; i < labels.length - 1; i++) {
            const domain = await this.domain(labels.slice(i).join('.'))
            if (domain?.returnPath === returnPath.toLowerCase()) return domain
        }
        return null
    }
}

/** @param {string} key of a team's record: its id, and the words of sidecars/accounts/scopes.py */
function scopeOf(key) {
    const [id, ...words] = key.split(' ')
    const only = (prefix) => words.find((word) => word.startsWith(prefix))?.slice(prefix.length) ?? null
    const expiresAt = Number(only('expires:') ?? Infinity) * 1000
    return { apiKeyId: Number(id), onlyDomain: only('domain:'), onlyStream: only('stream:'), expiresAt }
}

const hasExpired = (key) => Date.now() >= scopeOf(key).expiresAt

module.exports = { Records, hasExpired, scopeOf, sha256 }
