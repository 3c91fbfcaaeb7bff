'use strict'

// A resolver that answers what a test has written into its zones, over UDP and TCP.

const dgram = require('node:dgram')
const net = require('node:net')
const packet = require('dns-packet')

const { freePorts } = require('./ports')

const NXDOMAIN = 3

class DnsServer {
    /** `mx.two.example A` → ['192.0.2.1'], or {records, ttl, secure, rcode, truncated, silent} */
    zones = new Map()
    /** Of all questions, in their order: `mx.two.example A` */
    questions = []

    async start() {
        const [port] = await freePorts(1)
        this.port = port
        this.address = `127.0.0.1:${port}`
        this.udp = dgram.createSocket('udp4', (bytes, from) => {
            const answer = this.#answer(packet.decode(bytes), false)
            if (answer) this.udp.send(packet.encode(answer), from.port, from.address)
        })
        this.tcp = net.createServer((socket) => {
            socket.on('error', () => {})
            socket.once('data', (bytes) =>
                socket.end(packet.streamEncode(this.#answer(packet.streamDecode(bytes), true))),
            )
        })
        await new Promise((resolve) => this.udp.bind(port, '127.0.0.1', resolve))
        await new Promise((resolve) => this.tcp.listen(port, '127.0.0.1', resolve))
        return this
    }

    /** A domain whose only server has these addresses. */
    domain(domain, addresses, { secure = false, host = `mx.${domain}` } = {}) {
        this.zones.set(`${domain} MX`, { records: [{ preference: 10, exchange: host }], secure })
        this.host(host, addresses, { secure })
    }

    host(host, addresses, { secure = false } = {}) {
        this.zones.set(`${host} A`, { records: addresses.filter(net.isIPv4), secure })
        this.zones.set(`${host} AAAA`, { records: addresses.filter(net.isIPv6), secure })
    }

    /** How often was it asked? */
    asked(question) {
        return this.questions.filter((other) => other === question).length
    }

    async stop() {
        await new Promise((resolve) => this.udp.close(resolve))
        await new Promise((resolve) => this.tcp.close(resolve))
    }

    #answer({ id, questions }, isWhole) {
        const [{ name, type }] = questions
        this.questions.push(`${name} ${type}`)
        const zone = this.#zoneOf(name, type)
        if (zone.silent) return null
        const { records = [], ttl = 60, secure = false, rcode = 0, truncated = false } = zone
        const flags =
            packet.RECURSION_AVAILABLE |
            rcode |
            (secure ? packet.AUTHENTIC_DATA : 0) |
            (truncated && !isWhole ? packet.TRUNCATED_RESPONSE : 0)
        return {
            type: 'response',
            id,
            flags,
            questions,
            answers: truncated && !isWhole ? [] : records.map((data) => ({ name, type, ttl, data })),
            authorities: records.length ? [] : [soa(ttl)],
        }
    }

    #zoneOf(name, type) {
        const zone = this.zones.get(`${name} ${type}`)
        if (Array.isArray(zone)) return { records: zone }
        if (zone) return zone
        const isKnown = [...this.zones.keys()].some((key) => key.startsWith(`${name} `))
        return { rcode: isKnown ? 0 : NXDOMAIN }
    }
}

function soa(ttl) {
    const data = { mname: 'ns.example', rname: 'dns.example', serial: 1, minimum: ttl }
    return { name: 'example', type: 'SOA', ttl, data: { ...data, refresh: 60, retry: 60, expire: 60 } }
}

module.exports = { DnsServer }
