'use strict'

// A receiving server that says what a test wants, and remembers all that was said to it.

const net = require('node:net')
const tls = require('node:tls')

const END_OF_TEXT = '\r\n.\r\n'
const SILENCE = Symbol('silence')

class SmtpServer {
    /** Of all connections: {commands, texts, tls: TLSSocket | null, isResumed, socket, isOpen} */
    connections = []
    /** What it offers after EHLO; set it before a connection comes. */
    extensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 50000000', 'ENHANCEDSTATUSCODES']
    /**
     * Instead of the usual replies: command's begin in capitals, `GREETING`, or `DOT` → a reply, SILENCE, or a
     * function of (connection, command) that gives either, or nothing for the usual reply.
     */
    replies = {}

    /** @param {{host?: string, port?: number, certificate?: {key, cert}}} [options] certificate: it offers STARTTLS */
    constructor({ host = '127.0.0.1', port = 0, certificate = null } = {}) {
        Object.assign(this, { host, port, certificate })
    }

    async start() {
        this.server = net.createServer((socket) => this.#greet(socket))
        await new Promise((resolve) => this.server.listen(this.port, this.host, resolve))
        this.port = this.server.address().port
        return this
    }

    async stop() {
        for (const { socket } of this.connections) socket.destroy()
        await new Promise((resolve) => this.server.close(resolve))
    }

    get open() {
        return this.connections.filter(({ isOpen }) => isOpen)
    }

    /** Of all connections, in no order. */
    get texts() {
        return this.connections.flatMap(({ texts }) => texts)
    }

    get commands() {
        return this.connections.flatMap(({ commands }) => commands)
    }

    #greet(socket) {
        const connection = {
            commands: [],
            texts: [],
            tls: null,
            socket,
            isOpen: true,
            isText: false,
            unread: '',
        }
        this.connections.push(connection)
        socket.setNoDelay(true)
        socket.on('error', () => {})
        socket.on('close', () => (connection.isOpen = false))
        this.#listen(connection, socket)
        this.#reply(connection, 'GREETING', '220 scripted')
    }

    #listen(connection, socket) {
        connection.wire = socket
        socket.on('data', (data) => {
            connection.unread += data.toString('latin1')
            this.#read(connection)
        })
    }

    #read(connection) {
        for (;;) {
            const ending = connection.isText ? END_OF_TEXT : '\r\n'
            // The text may be empty: its dot follows DATA at once then.
            const unread = connection.isText ? `\r\n${connection.unread}` : connection.unread
            const end = unread.indexOf(ending)
            if (end === -1) return
            const said = Buffer.from(unread.slice(0, end), 'latin1').toString()
            connection.unread = unread.slice(end + ending.length)
            if (connection.isText) this.#text(connection, said.slice(2))
            else this.#command(connection, said)
        }
    }

    #text(connection, text) {
        connection.isText = false
        connection.texts.push(text.replaceAll(/^\./gm, ''))
        this.#reply(connection, 'DOT', '250 2.0.0 taken')
    }

    #command(connection, command) {
        connection.commands.push(command)
        const verb = command.slice(0, 4).toUpperCase()
        if (verb === 'EHLO') {
            const offers = [...this.extensions]
            if (this.certificate && !connection.tls) offers.push('STARTTLS')
            const lines = ['scripted', ...offers].map(
                (line, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${line}`,
            )
            this.#reply(connection, command, lines.join('\r\n'))
        } else if (verb === 'STAR') {
            if (this.#reply(connection, command, '220 2.0.0 go').startsWith('220')) this.#secure(connection)
        } else if (verb === 'DATA') {
            const usual = connection.recipients ? '354 go' : '503 5.5.1 no valid recipients'
            connection.isText = this.#reply(connection, command, usual).startsWith('354')
        } else if (verb === 'MAIL') {
            connection.hasSender = this.#reply(connection, command, '250 2.1.0 ok').startsWith('250')
            connection.recipients = 0
        } else if (verb === 'RCPT') {
            const usual = connection.hasSender ? '250 2.1.5 ok' : '503 5.5.1 MAIL first'
            if (this.#reply(connection, command, usual).startsWith('250')) connection.recipients++
        } else if (verb === 'QUIT') {
            this.#reply(connection, command, '221 2.0.0 bye')
            connection.wire.end()
        } else {
            this.#reply(connection, command, '250 2.0.0 ok')
        }
    }

    /** @returns {string} what was said; '' for nothing, and then never anything again */
    #reply(connection, command, usual) {
        const key = Object.keys(this.replies).find((begin) => command.toUpperCase().startsWith(begin))
        const found = this.replies[key]
        const reply = (typeof found === 'function' ? found(connection, command) : found) ?? usual
        if (reply === SILENCE) connection.isMute = true
        if (connection.isMute || !connection.wire.writable) return ''
        connection.wire.write(`${reply}\r\n`)
        return reply
    }

    #secure(connection) {
        connection.wire.removeAllListeners('data')
        // One for all connections: else no session could be taken up.
        this.secureContext ??= tls.createSecureContext(this.certificate)
        const secure = new tls.TLSSocket(connection.wire, {
            isServer: true,
            secureContext: this.secureContext,
        })
        secure.on('error', () => {})
        secure.on('secure', () => (connection.isResumed = secure.isSessionReused()))
        connection.tls = secure
        this.#listen(connection, secure)
    }
}

module.exports = { SmtpServer, SILENCE }
