'use strict'

// Lanes as the edge has them, with resolver and servers on loopback. Their shaper allows everything but what a test
// forbids.

const { DnsClient } = require('../../plugins/lib/dns_client')
const { Lanes } = require('../../plugins/lib/lanes')
const { MtaSts } = require('../../plugins/lib/mta_sts')
const { MxResolver } = require('../../plugins/lib/mx')
const { Resolver } = require('../../plugins/lib/resolver')
const { Routes } = require('../../plugins/lib/routes')
const { TlsPolicy } = require('../../plugins/lib/tls_policy')

const SOURCE = {
    name: 'default',
    address: null,
    helo: 'mx.kibamail.test',
    pools: ['send', 'engage'],
    teamId: null,
}

const ANSWERS_KEPT = 100

class PermissiveShaper {
    constructor(connectionsLimit) {
        this.connectionsLimit = connectionsLimit
    }

    mailsPerConnection = 1000
    diverts = false
    isPaused = false
    answers = []
    failures = []
    began = () => {}
    ended = () => {}
    connected = () => {}
    closed = () => {}
    onClose = () => {}
    close = () => this.onClose()
    onChange = () => {}
    canConnect = (open) => (open < this.connectionsLimit && !this.isPaused ? 0 : Infinity)
    canSend = () => (this.isPaused ? Infinity : 0)
    keeps = (open) => open <= this.connectionsLimit && !this.diverts
    connectFailed = (text) => this.failures.push(text)
    answered = (reply) => {
        this.answers.push(reply)
        if (this.answers.length > ANSWERS_KEPT) this.answers.shift()
    }
    state = () => ({})
}

class TestLanes {
    /**
     * @param {object} options
     * @param {import('./dns_server').DnsServer} options.dns
     * @param {number} options.port of the receiving servers
     */
    constructor({
        dns,
        port,
        ca,
        stsPort,
        allowLocal = true,
        timeouts,
        connections = 100,
        sources = [SOURCE],
    }) {
        this.shapers = new Map()
        this.connectionsALane = 20
        this.sources = sources
        this.isHeld = () => false
        const resolver = new Resolver(new DnsClient({ servers: [dns.address], timeoutsMs: [1000, 2000] }))
        const mx = new MxResolver(resolver)
        const sts = new MtaSts({ resolver, mx, ca, port: stsPort, allowLocal })
        this.tls = new TlsPolicy({ resolver, ca })
        this.lanes = new Lanes({
            routes: new Routes({ mx, sts, allowLocal }),
            sources: () => this.sources,
            shapers: { of: (source, provider) => this.#shaperOf(source, provider) },
            isHeld: (job) => this.isHeld(job),
            tls: this.tls,
            connections,
            port,
            timeouts,
        })
    }

    shaper(provider, source = 'default') {
        const key = `${source} ${provider}`
        if (!this.shapers.has(key)) this.shapers.set(key, new PermissiveShaper(this.connectionsALane))
        return this.shapers.get(key)
    }

    /** A lane that goes takes its own along. */
    #shaperOf(source, provider) {
        const shaper = this.shaper(provider, source)
        shaper.onClose = () => this.shapers.delete(`${source} ${provider}`)
        return shaper
    }

    /** Connections of each lane that comes. */
    limit(connections) {
        this.connectionsALane = connections
    }

    /** Sends a mail to the recipient. @returns {Promise<import('../../plugins/lib/lanes').Outcome>} */
    send(recipient, fields = {}) {
        const recipients = [recipient].flat()
        return new Promise((resolve) => {
            this.lanes.send({
                pool: 'engage',
                teamId: 7,
                broadcastId: 5,
                flow: 'b5',
                stream: 'broadcast',
                domain: recipients[0].slice(recipients[0].lastIndexOf('@') + 1),
                sender: 'b-1@kb.news.example',
                recipients,
                smtputf8: false,
                size: 100,
                attempt: 1,
                queuedAt: Date.now(),
                content: async () => [Buffer.from('Subject: Spring\r\n\r\nHello.\r\n')],
                intend: async () => {},
                withdraw: () => {},
                done: resolve,
                ...fields,
            })
        })
    }

    close() {
        return this.lanes.close(Date.now() + 5000)
    }
}

module.exports = { TestLanes, PermissiveShaper, SOURCE }
