'use strict'

// Says to a server exactly what a test wants said.

const net = require('node:net')
const tls = require('node:tls')

class SmtpClient {
    /** Connects and reads the greeting. */
    static async connect(port, localAddress) {
        const client = new SmtpClient()
        client.#use(net.connect({ port, host: '127.0.0.1', localAddress }))
        client.greeting = await client.reply()
        return client
    }

    #use(socket) {
        this.socket = socket
        this.text = ''
        this.closed = false
        socket.on('data', (data) => {
            this.text += data
            this.#wake()
        })
        for (const event of ['error', 'close']) {
            socket.on(event, () => {
                this.closed = true
                this.#wake()
            })
        }
    }

    #wake() {
        this.waiting?.()
    }

    /** @returns {Promise<string>} the next reply, all its lines; '' where the server hung up */
    async reply() {
        for (;;) {
            const [reply] = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.text) ?? []
            if (reply) {
                this.text = this.text.slice(reply.length)
                return reply.trimEnd()
            }
            if (this.closed) return ''
            await new Promise((resolve) => (this.waiting = resolve))
        }
    }

    send(line) {
        this.write(`${line}\r\n`)
        return this.reply()
    }

    write(bytes) {
        this.socket.write(bytes)
    }

    /** Nothing where the server does not begin it: a TLS socket over one that is closed would wait for ever. */
    async startTls() {
        await this.send('EHLO client.example')
        const reply = await this.send('STARTTLS')
        if (!reply.startsWith('220') || this.closed) return
        this.socket.removeAllListeners()
        const secure = tls.connect({ socket: this.socket, rejectUnauthorized: false })
        this.#use(secure)
        await new Promise((resolve) => secure.once('secureConnect', resolve).once('close', resolve))
    }

    auth(user, password) {
        return this.send(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`)
    }

    /** @returns {Promise<string>} the reply to AUTH, over STARTTLS */
    async login(user, password) {
        await this.startTls()
        await this.send('EHLO client.example')
        return this.auth(user, password)
    }

    end() {
        this.socket.destroy()
    }
}

module.exports = { SmtpClient }
