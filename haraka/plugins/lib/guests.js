'use strict'

// Who is connected, before a word is said: so many from one address, so many in all, and none that only shakes hands.

const { networkOf } = require('./lockout')
const { steadyNow } = require('./clock')

class Guests {
    #open = new Map() // network → how many
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
        const open = this.#open.get(network) ?? 0
        if (open >= this.perAddress) {
            socket.on('error', () => {})
            const text = `421 4.7.0 Too many connections from ${remoteAddress}: ${this.perAddress} may be open\r\n`
            socket.end(isTls ? undefined : text, () => socket.destroy())
            return false
        }
        this.#open.set(network, open + 1)
        socket.once('close', () => {
            const left = this.#open.get(network) - 1
            if (left > 0) this.#open.set(network, left)
            else this.#open.delete(network)
        })
        return true
    }

    #shakesHands(socket) {
        const place = placeOf(socket)
        this.#handshakes.set(place, { socket, since: steadyNow() })
        socket.once('close', () => this.#handshakes.delete(place))
    }

    /** Ends those that have not finished their TLS handshake in time. */
    sweep() {
        const now = steadyNow()
        for (const { socket, since } of this.#handshakes.values()) {
            if (now - since > this.handshakeMs) socket.destroy()
        }
    }

    get counts() {
        return { networks: this.#open.size, handshakes: this.#handshakes.size }
    }
}

const placeOf = ({ remoteAddress, remotePort }) => `${remoteAddress} ${remotePort}`

module.exports = { Guests }
