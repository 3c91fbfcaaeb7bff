'use strict'

// Which TLS a server must show, and the handshake that makes sure of it. Without a demand of the domain's TLS is
// opportunistic (RFC 7435): a certificate that nobody vouches for beats none.

const { createHash } = require('node:crypto')
const tls = require('node:tls')
const { LRUCache } = require('lru-cache')

const { chainOf, mismatch, tlsaOf } = require('./dane')
const log = require('./log')

const SESSIONS_KEPT = 5000

/**
 * @typedef {object} Demand
 * @property {'may' | 'must' | 'verify' | 'dane'} mode may: as it comes; must: TLS, whoever vouches for it; verify: a
 *   certificate that our authorities vouch for (MTA-STS); dane: one that its TLSA records name
 * @property {import('./dane').Tlsa[]} [records]
 * @property {boolean} [testing] whether a verified certificate is wished for: its lack is logged (MTA-STS)
 */

class TlsPolicy {
    #sessions = new LRUCache({ max: SESSIONS_KEPT })

    /**
     * @param {object} options
     * @param {import('./resolver').Resolver} options.resolver
     * @param {string | Buffer} [options.ca] PEM: who vouches for servers; none: Node's own list
     */
    constructor({ resolver, ca }) {
        this.resolver = resolver
        // Made once: it costs as much as a handshake.
        this.context = tls.createSecureContext({ ca })
    }

    /**
     * @param {import('./routes').Route} route
     * @param {{name: string, secure: boolean}} server of that route
     * @param {number} port
     * @returns {Promise<Demand>}
     * @throws {import('./dns_client').DnsError} it cannot be told for now: the server must not be used
     */
    async demandOf(route, server, port) {
        const records = route.secure && server.secure ? await tlsaOf(this.resolver, server.name, port) : null
        // RFC 8461 section 2: MTA-STS must not override DANE.
        if (records?.length) return { mode: 'dane', records }
        if (route.enforced) return { mode: 'verify' }
        return { mode: records ? 'must' : 'may', testing: route.testing }
    }

    /**
     * @param {import('node:net').Socket} socket on which the server awaits a ClientHello
     * @param {{name: string, ip: string}} server
     * @param {Demand} demand
     * @returns {Promise<import('node:tls').TLSSocket>}
     * @throws {Error} no handshake, or not the one that is demanded
     */
    async handshake(socket, server, demand) {
        const key = sessionKey(server, demand)
        const secure = tls.connect({
            socket,
            servername: server.name,
            secureContext: this.context,
            rejectUnauthorized: demand.mode === 'verify',
            session: this.#sessions.get(key),
        })
        const sessions = []
        secure.on('session', (session) => sessions.push(session))
        await secured(secure)
        // A resumed session was checked when it was made: only such are kept, each for the demand that it met.
        if (demand.mode === 'dane' && !secure.isSessionReused()) {
            const why = mismatch(demand.records, chainOf(secure), server.name)
            if (why) throw new Error(why)
        }
        secure.removeAllListeners('session')
        secure.on('session', (session) => this.#sessions.set(key, session))
        if (sessions.length) this.#sessions.set(key, sessions.at(-1))
        if (demand.testing && !secure.authorized) {
            log.warning('MTA-STS would forbid this server', {
                mx: server.name,
                reason: secure.authorizationError,
            })
        }
        return secure
    }
}

function secured(secure) {
    return new Promise((resolve, reject) => {
        const lost = () => reject(new Error('connection lost in the handshake'))
        secure.once('error', reject)
        secure.once('close', lost)
        secure.once('secureConnect', () => {
            secure.off('error', reject)
            secure.off('close', lost)
            resolve()
        })
    })
}

function sessionKey({ name, ip }, { mode, records = [] }) {
    const named = createHash('sha256')
    for (const { usage, selector, matchingType, certificate } of records) {
        named.update(`${usage} ${selector} ${matchingType} `).update(certificate)
    }
    return `${ip} ${name} ${mode} ${named.digest('base64')}`
}

module.exports = { TlsPolicy }
