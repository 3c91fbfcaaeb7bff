'use strict'

// Questions to recursive resolvers. Unlike node:dns it tells of every type how long an answer holds, and whether the
// resolver has validated it (DNSSEC), which DANE needs.

const dns = require('node:dns')
const packet = require('dns-packet')
const ipaddr = require('ipaddr.js')

const { Transport } = require('./dns_transport')

const PORT = 53
// What passes everywhere in one piece (DNS flag day 2020).
const UDP_PAYLOAD = 1232
// A resolver's receive buffer holds so many questions for sure. One that it has not answered after the pause it has
// read, and works at.
const UNREAD = 200
const READ_AFTER_MS = 250
// How long the servers have, in turn.
const TIMEOUTS_MS = [1500, 3000, 6000]
// RFC 2308 section 5 lets "no" be kept for hours. A domain whose owner has just set it up should not wait for that.
const LONGEST_NO_S = 300
const SHORTEST_NO_S = 30
const LONGEST_YES_S = 86_400

class DnsError extends Error {
    /** @param {string} code such as ESERVFAIL or ETIMEOUT */
    constructor(code, type, name) {
        super(`${code}: ${type} of ${name} could not be looked up`)
        this.code = code
    }
}

/**
 * @typedef {object} Answer
 * @property {any[]} records their data as dns-packet gives it; [] where there are none
 * @property {number} ttl seconds for which it holds
 * @property {boolean} secure validated by a resolver that is trusted
 */

class DnsClient {
    #unread = 0
    #waiting = []

    /**
     * @param {object} [options]
     * @param {string[]} [options.servers] host:port; none: those of the system
     * @param {boolean} [options.trusted] whether they and the way to them are; a resolver on loopback always is
     * @param {number[]} [options.timeoutsMs] of the first, second … attempt
     */
    constructor({ servers = [], trusted = false, timeoutsMs = TIMEOUTS_MS } = {}) {
        const addresses = servers.length ? servers : dns.getServers()
        this.servers = addresses.map((address) => new Server(address, trusted))
        this.timeoutsMs = timeoutsMs
    }

    /**
     * @param {string} name in ASCII
     * @param {'MX' | 'A' | 'AAAA' | 'TXT' | 'TLSA'} type
     * @returns {Promise<Answer>}
     * @throws {DnsError} the look-up failed for now
     */
    async ask(name, type) {
        if (!isName(name)) return { records: [], ttl: LONGEST_NO_S, secure: false }
        let failure
        for (const [attempt, ms] of this.timeoutsMs.entries()) {
            try {
                const server = this.servers[attempt % this.servers.length]
                return await this.#paced(() => server.ask(name, type, ms))
            } catch (err) {
                failure = err
            }
        }
        throw new DnsError(failure.code, type, name)
    }

    async #paced(ask) {
        if (this.#unread >= UNREAD) await new Promise((resolve) => this.#waiting.push(resolve))
        else this.#unread++
        let isRead = false
        const read = () => {
            if (!isRead) this.#nextMayAsk()
            isRead = true
        }
        const timer = setTimeout(read, READ_AFTER_MS)
        try {
            return await ask()
        } finally {
            clearTimeout(timer)
            read()
        }
    }

    #nextMayAsk() {
        const next = this.#waiting.shift()
        if (next) next()
        else this.#unread--
    }
}

class Server {
    constructor(address, trusted) {
        const server = split(address)
        this.transport = new Transport(server)
        this.trusted = trusted || ipaddr.process(server.host).range() === 'loopback'
    }

    /** @returns {Promise<Answer>} */
    async ask(name, type, ms) {
        const query = this.#query({ name, type, class: 'IN' })
        let reply = await this.transport.overUdp(query, ms)
        if (reply.flag_tc) reply = await this.transport.overTcp(query, ms)
        if (reply.rcode !== 'NOERROR' && reply.rcode !== 'NXDOMAIN') {
            throw Object.assign(new Error(reply.rcode), { code: `E${reply.rcode}` })
        }
        const records = reply.answers.filter((answer) => answer.type === type).map(({ data }) => data)
        return { records, ttl: ttlOf(reply, records), secure: this.trusted && reply.flag_ad }
    }

    #query(question) {
        return {
            type: 'query',
            flags: packet.RECURSION_DESIRED,
            questions: [question],
            additionals: [
                {
                    type: 'OPT',
                    name: '.',
                    udpPayloadSize: UDP_PAYLOAD,
                    // The signatures are of no use here, but some resolvers tell of validation only with them.
                    flags: this.trusted ? packet.DNSSEC_OK : 0,
                },
            ],
        }
    }
}

/** In seconds. Of a "no" RFC 2308 section 5: the SOA record that comes with it says how long. */
function ttlOf({ answers, authorities }, records) {
    if (records.length) return Math.min(LONGEST_YES_S, ...answers.map(({ ttl }) => ttl))
    const soa = authorities.find(({ type }) => type === 'SOA')
    return soa ? Math.min(LONGEST_NO_S, soa.ttl, soa.data.minimum) : SHORTEST_NO_S
}

/** RFC 1035 section 2.3.4. */
function isName(name) {
    return (
        name.length > 0 &&
        name.length < 254 &&
        name.split('.').every(({ length }) => length > 0 && length < 64)
    )
}

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53` */
function split(address) {
    const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(address) ?? [null, address]
    return { host: bracketed ?? plain ?? address, port: Number(port ?? PORT) }
}

module.exports = { DnsClient, DnsError }
