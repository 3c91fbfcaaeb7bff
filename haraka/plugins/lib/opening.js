'use strict'

// From an address to a connection that is ready for mail: greeting, EHLO, STARTTLS.

const brokenTls = require('./broken_tls')
const { steadyNow } = require('./clock')
const log = require('./log')
const { parseReply, step } = require('./reply')
const { Wire } = require('./wire')

const HELO_STATUSES = [500, 502, 504, 550]

/** No connection, or none that mail may go over. */
class DialError extends Error {
    /**
     * @param {string} message
     * @param {object} [details]
     * @param {string} [details.enhanced] RFC 3463
     * @param {{code: number, enhanced: string | null, text: string}} [details.reply] the server's refusal
     */
    constructor(message, { enhanced = '4.4.1', reply = null } = {}) {
        super(message)
        this.enhanced = reply?.enhanced ?? enhanced
        this.reply = reply
    }
}

/**
 * @typedef {object} Opened
 * @property {Wire} wire
 * @property {string} sourceIp our address
 * @property {{name: string, ip: string}} server
 * @property {Map<string, string>} extensions keyword in capitals → parameters
 * @property {boolean} tls
 * @property {string | null} tlsVersion
 * @property {object[]} steps the conversation so far
 */

class Opening {
    #steps = []
    #tlsVersion = null
    #sourceIp = null

    /**
     * @param {import('./dial').Dialler} dialler
     * @param {{name: string, ip: string}} server
     * @param {import('./lanes').Source} source
     */
    constructor({ tls, port, timeouts, deadlines }, server, source) {
        Object.assign(this, { tls, timeouts, server, source })
        const { address } = source
        this.wire = new Wire({ host: server.ip, port, localAddress: address ?? undefined })
        this.wire.deadline = steadyNow() + timeouts.connect
        this.wire.socket.once('connect', () => {
            this.wire.deadline = steadyNow() + timeouts.greeting
            this.#sourceIp = this.wire.socket.localAddress
        })
        deadlines.watch(this.wire)
    }

    /** @throws {DialError} as the others do */
    async connect() {
        const reply = await this.#replyTo('connect')
        if (reply.code !== 220) throw refused(reply)
    }

    /** EHLO, and HELO for servers that do not know it (RFC 5321 section 3.2). */
    async hello() {
        let reply = await this.#ask('helo', `EHLO ${this.source.helo}`, this.timeouts.helo)
        this.extensions = reply.code === 250 ? extensionsIn(reply.lines) : new Map()
        if (HELO_STATUSES.includes(reply.code)) {
            reply = await this.#ask('helo', `HELO ${this.source.helo}`, this.timeouts.helo)
        }
        if (reply.code !== 250) throw refused(reply)
    }

    /** @param {import('./tls_policy').Demand} demand */
    async secure(demand) {
        const optional = demand.mode === 'may'
        if (optional && brokenTls.failedAt(this.server.ip)) return
        if (!(await this.#startTls())) {
            if (!optional)
                throw new DialError(`TLS is required (${demand.mode}), but not offered`, {
                    enhanced: '4.7.4',
                })
            if (demand.testing)
                log.warning('MTA-STS would forbid this server', { mx: this.server.name, reason: 'no TLS' })
            return
        }
        this.wire.deadline = steadyNow() + this.timeouts.startTls
        try {
            await this.wire.secure((socket) => this.tls.handshake(socket, this.server, demand))
        } catch (err) {
            const failure = new DialError(`TLS handshake failed: ${err.message}`, { enhanced: '4.7.5' })
            throw Object.assign(failure, { handshakeFailed: true })
        }
        this.#tlsVersion = this.wire.socket.getProtocol()
        await this.hello()
    }

    async #startTls() {
        if (!this.extensions.has('STARTTLS')) return false
        const reply = await this.#ask('starttls', 'STARTTLS', this.timeouts.startTls)
        if (reply.code === 421) throw refused(reply)
        return reply.code === 220
    }

    /** @returns {Opened} */
    result() {
        if (this.wire.isLost) throw new DialError('connection lost')
        const { wire, server, extensions } = this
        const tlsVersion = this.#tlsVersion
        const tls = tlsVersion !== null
        return { wire, server, sourceIp: this.#sourceIp, extensions, tls, tlsVersion, steps: this.#steps }
    }

    /** Whether there was a server at all. */
    get hasReached() {
        return this.#sourceIp !== null
    }

    abandon() {
        this.wire.onLost = () => {}
        this.wire.deadline = steadyNow() + this.timeouts.quit
        if (!this.wire.isLost) this.wire.end('QUIT\r\n')
    }

    #ask(name, line, ms) {
        this.wire.deadline = steadyNow() + ms
        this.wire.write(`${line}\r\n`)
        return this.#replyTo(name)
    }

    #replyTo(name) {
        const since = steadyNow()
        return new Promise((resolve, reject) => {
            this.wire.onReply = (code, reply) => {
                this.wire.onReply = () => this.wire.lose('the server spoke out of turn')
                this.#steps.push(step(name, steadyNow() - since, reply))
                resolve({ code, lines: reply.split('\n') })
            }
            this.wire.onLost = (reason) => reject(new DialError(reason))
            if (this.wire.isLost) reject(new DialError('connection lost'))
        })
    }
}

const refused = ({ lines }) => {
    const reply = parseReply(lines.join('\n'))
    return new DialError(`it answered ${lines.join(' ')}`, { reply })
}

/** RFC 5321 section 4.1.1.1: after the first line, one extension a line. */
function extensionsIn(lines) {
    return new Map(
        lines.slice(1).map((line) => {
            const [keyword, ...parameters] = line.slice(4).trim().split(' ')
            return [keyword.toUpperCase(), parameters.join(' ')]
        }),
    )
}

module.exports = { Opening, DialError }
