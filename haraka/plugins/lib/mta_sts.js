'use strict'

// MTA-STS, RFC 8461: a domain's word that its servers take mail over verified TLS.

const https = require('node:https')
const { LRUCache } = require('lru-cache')
const { parsePolicy } = require('mailauth/lib/mta-sts')

const { steadyNow } = require('./clock')
const log = require('./log')
const { isPublic } = require('./public_address')

const KEPT_AT_MOST = 10_000
const FETCH_MS = 10_000
const LARGEST_POLICY = 64 * 1024
// RFC 8461 section 3.3: a policy that cannot be had is asked for again after five minutes at the soonest.
const RETRY_MS = 5 * 60_000

/** @typedef {{mode: 'enforce' | 'testing' | 'none', mx: string[]}} Policy */

class MtaSts {
    #kept = new LRUCache({ max: KEPT_AT_MOST }) // domain → {id, policy, expires}
    #tried = new LRUCache({ max: KEPT_AT_MOST, ttl: RETRY_MS }) // domain → id whose policy could not be had
    #underWay = new Map()

    /**
     * @param {object} options
     * @param {import('./resolver').Resolver} options.resolver
     * @param {import('./mx').MxResolver} options.mx
     * @param {string | Buffer} [options.ca] PEM: who vouches for policy hosts; none: Node's own list
     * @param {number} [options.port] of the policy hosts
     * @param {boolean} [options.allowLocal] whether they may have private addresses
     */
    constructor({ resolver, mx, ca, port = 443, allowLocal = false }) {
        Object.assign(this, { resolver, mx, ca, port, allowLocal })
    }

    /**
     * @param {string} domain of recipients, in ASCII
     * @returns {Promise<{policy: Policy | null, until: number}>} until: when to ask again, in milliseconds since 1970.
     *   A policy that was seen stays in force until its max_age is over, whatever the DNS says meanwhile
     */
    async policyOf(domain) {
        const { id, until } = await this.#idOf(domain)
        const kept = this.#kept.get(domain)
        if (kept && kept.expires <= steadyNow()) this.#kept.delete(domain)
        else if (kept && (id === null || id === kept.id)) return { policy: kept.policy, until }
        if (id === null) return { policy: null, until }
        if (this.#tried.get(domain) !== id) await this.#refresh(domain, id)
        return { policy: this.#kept.get(domain)?.policy ?? null, until }
    }

    /** Section 3.1. A look-up that fails counts as no record: an attacker can do that much (section 10.2). */
    async #idOf(domain) {
        try {
            const { records, until } = await this.resolver.find(`_mta-sts.${domain}`, 'TXT')
            const texts = records.map((parts) => Buffer.concat([parts].flat()).toString())
            const ours = texts.filter((text) => /^v=STSv1\s*(;|$)/.test(text))
            const id =
                ours.length === 1 ? /;\s*id\s*=\s*([a-zA-Z0-9]{1,32})\s*(;|$)/.exec(ours[0])?.[1] : null
            return { id: id ?? null, until }
        } catch {
            return { id: null, until: steadyNow() + 60_000 }
        }
    }

    /** Look-ups of one domain at the same time share one fetch. */
    #refresh(domain, id) {
        if (!this.#underWay.has(domain)) {
            const fetched = this.#fetch(domain, id).finally(() => this.#underWay.delete(domain))
            this.#underWay.set(domain, fetched)
        }
        return this.#underWay.get(domain)
    }

    async #fetch(domain, id) {
        try {
            const { mode, mx = [], maxAge } = parsePolicy(await this.#download(`mta-sts.${domain}`))
            this.#kept.set(domain, { id, policy: { mode, mx }, expires: steadyNow() + maxAge * 1000 })
        } catch (err) {
            this.#tried.set(domain, id)
            log.warning('no MTA-STS policy, though the DNS announces one', { domain, reason: err.message })
        }
    }

    /** Section 3.3: the certificate is verified, redirects are not followed. */
    async #download(host) {
        const address = await this.#addressOf(host)
        return new Promise((resolve, reject) => {
            const request = https.get({
                host: address,
                port: this.port,
                servername: host,
                headers: { host },
                path: '/.well-known/mta-sts.txt',
                ca: this.ca,
                agent: false,
                signal: AbortSignal.timeout(FETCH_MS),
            })
            request.on('error', reject)
            request.on('response', (response) => {
                const type = response.headers['content-type'] ?? ''
                if (response.statusCode !== 200 || !/^text\/plain\b/i.test(type)) {
                    request.destroy(new Error(`${host} answered ${response.statusCode} ${type}`))
                    return
                }
                let text = ''
                response.setEncoding('utf8')
                response.on('data', (data) => {
                    text += data
                    if (text.length > LARGEST_POLICY)
                        request.destroy(new Error(`the policy at ${host} is too long`))
                })
                response.on('error', reject)
                response.on('end', () => resolve(text))
            })
        })
    }

    async #addressOf(host) {
        const { addresses } = await this.mx.addressesOf(host)
        const reachable = addresses.filter((address) => this.allowLocal || isPublic(address))
        if (reachable.length === 0) throw new Error(`${host} has no public address`)
        return reachable[0]
    }
}

/**
 * RFC 8461 section 4.1; a wildcard stands for one label.
 * @param {Policy} policy
 * @param {string} host in lower case
 */
function allows({ mx }, host) {
    const parent = host.slice(host.indexOf('.'))
    return mx.some((pattern) => pattern === host || (pattern.startsWith('*.') && pattern.slice(1) === parent))
}

module.exports = { MtaSts, allows }
