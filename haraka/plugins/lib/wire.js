'use strict'

// One connection to a server as replies and bytes: reads whole replies, watches the time that they take.

const net = require('node:net')

const { steadyNow } = require('./clock')

// All connections read into it, and each takes its bytes out at once.
const RECEIVED = Buffer.allocUnsafe(64 * 1024)
const LONGEST_LINE = 4096
const LONGEST_REPLY = 4096
const NEWLINE = '\n'
const HYPHEN = '-'.charCodeAt(0)

class Wire {
    #rest = ''
    #reply = ''

    /** Called with the code and all lines of each reply. @type {(code: number, reply: string) => void} */
    onReply = () => {}
    /** Called once, when no reply will come any more. @type {(reason: string) => void} */
    onLost = () => {}
    /** When the other side has been silent for too long; milliseconds since 1970. See `Deadlines`. */
    deadline = Infinity
    isLost = false
    /** Whether more has come than the reply that is being taken. Where none is awaited, the server speaks out of turn. */
    hasMore = false

    /** @param {import('node:net').TcpSocketConnectOpts} options where to */
    constructor(options) {
        this.#watch(net.connect({ ...options, noDelay: true, onread: this.#reader() }))
    }

    /** Half the price of 'data' events. */
    #reader() {
        return {
            buffer: RECEIVED,
            callback: (length, buffer) => {
                this.#take(buffer.latin1Slice(0, length))
                return true
            },
        }
    }

    #watch(socket) {
        this.socket = socket
        socket.on('error', (err) => this.lose(err.message))
        socket.on('close', () => this.lose('connection lost'))
    }

    /** Hands the bare socket to a TLS handshake. @param {(socket) => Promise<import('node:tls').TLSSocket>} handshake */
    async secure(handshake) {
        // What came in the clear behind the reply to STARTTLS must not count as said over TLS (CVE-2011-0411).
        if (this.#rest !== '' || this.isLost) throw new Error('the server spoke before the TLS handshake')
        this.#watch(await handshake(this.socket))
        this.socket.on('data', (data) => this.#take(data.latin1Slice()))
    }

    /** @param {(err?: Error) => void} [written] the system has taken all of it */
    write(bytes, encoding, written) {
        this.socket.write(bytes, encoding, written)
    }

    /** Whether the system has taken all that was written. */
    get isFlushed() {
        return this.socket.writableLength === 0
    }

    /** Says a last thing, and is gone when the server is, or the deadline over. */
    end(line) {
        this.onReply = () => this.socket.destroy()
        this.socket.end(line)
    }

    lose(reason) {
        if (this.isLost) return
        this.isLost = true
        this.socket.destroy()
        this.onLost(reason)
    }

    /** @param {string} received one byte a character */
    #take(received) {
        const text = this.#rest + received
        let from = 0
        for (let end; (end = text.indexOf(NEWLINE, from)) !== -1; from = end + 1) {
            this.hasMore = end + 1 < text.length
            this.#line(text.slice(from, text[end - 1] === '\r' ? end - 1 : end))
            if (this.isLost) return
        }
        this.#rest = text.slice(from)
        this.hasMore = this.#rest !== ''
        if (this.#rest.length > LONGEST_LINE) this.lose('the reply has no end')
    }

    #line(line) {
        if (!/^[2-5]\d\d/.test(line)) return this.lose(`no SMTP reply: ${line.slice(0, 80)}`)
        // RFC 5321 section 4.2.1: one code on all lines. Of yes and no together neither can be believed.
        if (this.#reply !== '' && line[0] !== this.#reply[0])
            return this.lose(`no SMTP reply: ${line.slice(0, 80)}`)
        if (this.#reply === '') this.#reply = line
        else if (this.#reply.length < LONGEST_REPLY) this.#reply += `\n${line}`
        if (line.charCodeAt(3) === HYPHEN) return
        const reply = this.#reply
        this.#reply = ''
        this.onReply(Number(line.slice(0, 3)), decoded(reply))
    }
}

/** Replies may be in UTF-8 (RFC 6531 section 3.7.4.2). @param {string} latin1 the bytes, one a character */
function decoded(latin1) {
    return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString() : latin1
}

/** Looks at all wires at once: a timer each would cost more than the replies. */
class Deadlines {
    #wires = new Set()
    #isStopped = false

    /** @param {number} everyMs */
    constructor(everyMs = 1000) {
        this.timer = setInterval(() => this.#check(steadyNow()), everyMs).unref()
    }

    watch(wire) {
        if (this.#isStopped) return wire.lose('closed')
        this.#wires.add(wire)
        wire.socket.once('close', () => this.#wires.delete(wire))
    }

    /** Cuts all that are left, and all that are to come. */
    stop() {
        this.#isStopped = true
        clearInterval(this.timer)
        for (const wire of this.#wires) wire.lose('closed')
    }

    #check(now) {
        for (const wire of this.#wires) if (wire.deadline < now) wire.lose('timed out')
    }
}

module.exports = { Wire, Deadlines }
