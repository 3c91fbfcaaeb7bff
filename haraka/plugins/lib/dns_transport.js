'use strict'

// DNS messages to one server and back: RFC 1035 section 4.2, RFC 7766.

const { randomInt } = require('node:crypto')
const dgram = require('node:dgram')
const net = require('node:net')
const packet = require('dns-packet')

// More answers at once than a socket's receive buffer holds would be lost.
const QUESTIONS_A_SOCKET = 64

/** @typedef {{name: string, type: string, class: 'IN'}} Question */

class Transport {
    #sockets = []

    /** @param {{host: string, port: number}} server host: an address */
    constructor(server) {
        this.server = server
    }

    /**
     * @param {object} query as dns-packet wants it, without id
     * @param {number} ms
     * @returns {Promise<object>} the reply, as dns-packet gives it
     * @throws {Error} with `code`: none came
     */
    async overUdp(query, ms) {
        let socket = this.#sockets.find(({ questions }) => questions < QUESTIONS_A_SOCKET)
        if (!socket) this.#sockets.push((socket = new UdpSocket(this.server)))
        try {
            return await socket.ask(query, ms)
        } finally {
            if (socket.questions === 0) this.#close(socket)
        }
    }

    /** The next question has another port then, which is harder to guess. */
    #close(socket) {
        const at = this.#sockets.indexOf(socket)
        if (at !== -1) this.#sockets.splice(at, 1)[0].close()
    }

    /** The same, for answers that are too long for a datagram. */
    overTcp(query, ms) {
        const message = { ...query, id: randomInt(0x10000) }
        return new Promise((resolve, reject) => {
            const socket = net.connect(this.server)
            const fail = (code) => {
                socket.destroy()
                reject(Object.assign(new Error(code), { code }))
            }
            let received = Buffer.alloc(0)
            socket.setTimeout(ms, () => fail('ETIMEOUT'))
            socket.on('error', ({ code }) => fail(code))
            socket.on('end', () => fail('ECONNRESET'))
            socket.on('data', (data) => {
                received = Buffer.concat([received, data])
                if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
                const reply = decode(received.subarray(2))
                if (!answers(reply, message)) return fail('EBADRESP')
                socket.destroy()
                resolve(reply)
            })
            socket.write(packet.streamEncode(message))
        })
    }
}

class UdpSocket {
    #waiting = new Map() // id → {message, resolve, fail}

    constructor({ host, port }) {
        Object.assign(this, { host, port })
        this.socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4')
        this.socket.on('message', (bytes, from) => from.address === host && this.#take(bytes))
        this.socket.on('error', ({ code }) => this.#failAll(code))
    }

    get questions() {
        return this.#waiting.size
    }

    ask(query, ms) {
        const message = { ...query, id: this.#freeId() }
        return new Promise((resolve, reject) => {
            const settle = (act) => (value) => {
                clearTimeout(timer)
                this.#waiting.delete(message.id)
                act(value)
            }
            const fail = settle((code) => reject(Object.assign(new Error(code), { code })))
            const timer = setTimeout(fail, ms, 'ETIMEOUT')
            this.#waiting.set(message.id, { message, resolve: settle(resolve), fail })
            this.socket.send(packet.encode(message), this.port, this.host, (err) => err && fail(err.code))
        })
    }

    close() {
        this.socket.close()
    }

    #freeId() {
        for (;;) {
            const id = randomInt(0x10000)
            if (!this.#waiting.has(id)) return id
        }
    }

    #take(bytes) {
        const reply = decode(bytes)
        const waiting = this.#waiting.get(reply?.id)
        if (waiting && answers(reply, waiting.message)) waiting.resolve(reply)
    }

    #failAll(code) {
        for (const { fail } of [...this.#waiting.values()]) fail(code)
    }
}

function decode(bytes) {
    try {
        return packet.decode(bytes)
    } catch {
        return null
    }
}

function answers(reply, { id, questions: [{ name, type }] }) {
    const asked = reply?.questions[0]
    if (reply?.type !== 'response' || reply.id !== id) return false
    return asked?.type === type && asked.name.toLowerCase() === name.toLowerCase()
}

module.exports = { Transport }
