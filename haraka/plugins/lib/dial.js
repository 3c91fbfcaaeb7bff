'use strict'

// Connects to a route: to its servers in turn, until one is ready for mail.

const net = require('node:net')

const brokenTls = require('./broken_tls')
const { Connection } = require('./connection')
const log = require('./log')
const { DialError, Opening } = require('./opening')

class Dialler {
    /**
     * @param {object} options
     * @param {import('./routes').Routes} options.routes
     * @param {import('./tls_policy').TlsPolicy} options.tls
     * @param {number} options.port of the servers
     * @param {import('./timeouts').Timeouts} options.timeouts
     * @param {import('./wire').Deadlines} options.deadlines
     */
    constructor(options) {
        Object.assign(this, options)
    }

    /**
     * @param {import('./routes').Route} route
     * @param {import('./lanes').Source} source
     * @param {(err: DialError) => void} onRefused called for each server that refuses us
     * @returns {Promise<Connection>} its `faults` tell of the servers that were tried before
     * @throws {DialError} none is ready; `server` is the one tried last, and `wasReached` whether
     *   it was there; `faults` tell of all
     * @throws {Error} there is none to try
     */
    async connect(route, source, onRefused) {
        const servers = await this.routes.serversOf(route, (ip) => reaches(source.address, ip))
        const faults = []
        for (const server of servers) {
            try {
                return await this.#connectTo(server, route, source, faults)
            } catch (err) {
                faults.push(`${nameOf(server)}: ${err.message}`)
                if (err.reply) onRefused(err)
                if (server === servers.at(-1)) throw Object.assign(err, { server, faults })
            }
        }
    }

    async #connectTo(server, route, source, faults) {
        const demand = await this.#demandOf(server, route)
        try {
            return await this.#open(server, demand, source, faults)
        } catch (err) {
            if (!err.handshakeFailed || demand.mode !== 'may') throw err
            // Mail to it would never leave otherwise. At once, in the clear:
            faults.push(`${nameOf(server)}: ${err.message}`)
            brokenTls.remember(server.ip)
            log.warning('TLS of a receiver is broken', {
                mx: server.name,
                ip: server.ip,
                reason: err.message,
            })
            return this.#open(server, demand, source, faults)
        }
    }

    async #demandOf(server, route) {
        try {
            return await this.tls.demandOf(route, server, this.port)
        } catch (err) {
            throw new DialError(`whether it has TLSA records cannot be told: ${err.message}`, {
                enhanced: '4.7.5',
            })
        }
    }

    async #open(server, demand, source, faults) {
        const opening = new Opening(this, server, source)
        try {
            await opening.connect()
            await opening.hello()
            await opening.secure(demand)
            return new Connection({ ...opening.result(), source, port: this.port, faults }, this.timeouts)
        } catch (err) {
            opening.abandon()
            throw Object.assign(err, { wasReached: opening.hasReached })
        }
    }
}

const nameOf = ({ name, ip }) => `${name} [${ip}]`

/** Whether an address of ours, where the system does not choose it, is of the same IP version. */
const reaches = (address, ip) => address === null || net.isIPv6(address) === net.isIPv6(ip)

module.exports = { Dialler }
