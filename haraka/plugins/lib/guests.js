'use strict'

// Who is connected, before a word is said: so many from one address, so many in all, and none that only shakes hands.

const { networkOf } = require('./lockout')
const { steadyNow } = require('./clock')

class Guests {
    #open = new Map() // network → its sockets, till the next look at them
    #handshakes = new Map() // socket → since when

    /**
     * @param {object} limits
     * @param {number} limits.perAddress connections to all listeners that are public
     * @param {number} limits.inAll to each listener
     * @param {number} limits.handshakeMs
     */
    constructor({ perAddress, inAll, handshakeMs }) {
        Object.assign(this, { perAddress, inAll, handshakeMs })
    }

    /**
     * Puts itself in front of a listener that listens already.
     * @param {import('node:net').Server} server
     * @param {{isPublic: boolean, isTls: boolean}} what isTls: TLS from the start
     */
    guard(server, { isPublic, isTls }) {
        server.maxConnections = this.inAll
        const others = server.listeners('connection')
        server.removeAllListeners('connection')
        server.on('connection', (socket) => {
            if (isPublic && !this.#admit(socket, isTls)) return
            if (isTls) this.#shakesHands(socket)
            for (const listener of others) listener.call(server, socket)
        })
        if (isTls) server.on('secureConnection', (socket) => this.#handshakes.delete(placeOf(socket)))
    }

    #admit(socket, isTls) {
        const { remoteAddress } = socket
        if (!remoteAddress) return true // it is gone
        const network = networkOf(remoteAddress)
        if (this.#left(network) >= this.perAddress) {
            socket.on('error', () => {})
            const text = `421 4.7.0 Too many connections from ${remoteAddress}: ${this.perAddress} may be open\r\n`
            socket.end(isTls ? undefined : text, () => socket.destroy())
            return false
        }
        this.#open.set(network, (this.#open.get(network) ?? new Set()).add(socket))
        return true
    }

    /** Counted by looking: at STARTTLS Haraka takes away whoever listens for the end of a socket. */
    #left(network) {
        const sockets = this.#open.get(network) ?? new Set()
        for (const socket of sockets) if (socket.destroyed) sockets.delete(socket)
        if (sockets.size === 0) this.#open.delete(network)
        return sockets.size
    }

    #shakesHands(socket) {
        const place = placeOf(socket)
        this.#handshakes.set(place, { socket, since: steadyNow() })
        socket.once('close', () => this.#handshakes.delete(place))
    }

    /** Ends those that have not finished their TLS handshake in time, and forgets who is gone. */
    sweep() {
        for (const network of this.#open.keys()) this.#left(network)
        const now = steadyNow()
        for (const { socket, since } of this.#handshakes.values()) {
            if (now - since > this.handshakeMs) socket.destroy()
        }
    }
}

const placeOf = ({ remoteAddress, remotePort }) => `${remoteAddress} ${remotePort}`

module.exports = { Guests }
