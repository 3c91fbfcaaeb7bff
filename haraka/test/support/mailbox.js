'use strict'

// Receiving servers: one SMTP server that all domains point to, and the DNS that says so.

const net = require('node:net')
const dns2 = require('dns2')
const { SMTPServer } = require('smtp-server')

const { waitFor } = require('./wait')

const RCODES = { servfail: 2, nxdomain: 3 }

class Mailbox {
    /** @param {{smtpPort: number, dnsPort: number}} ports */
    constructor({ smtpPort, dnsPort }) {
        this.smtpPort = smtpPort
        this.dnsPort = dnsPort
        this.mails = [] // {from, to, raw, secure, at: milliseconds since 1970}
        this.attempts = []
        this.answers = new Map() // recipient → function of the number of the attempt, gives an error or nothing
        this.zones = new Map() // name → 'nxdomain', 'servfail', or the address that it has instead of 127.0.0.1
        this.others = [] // see `serve`
    }

    async start() {
        await this.openSmtp()
        await this.#startDns()
        return this
    }

    async openSmtp() {
        this.smtp = new SMTPServer({
            authOptional: true,
            size: 50 * 1024 * 1024,
            onRcptTo: ({ address }, session, done) => done(this.#answerTo(address)),
            onData: (stream, session, done) => this.#receive(stream, session, done),
            logger: false,
        })
        this.smtp.on('error', () => {})
        await new Promise((resolve) => this.smtp.listen(this.smtpPort, '127.0.0.1', resolve))
    }

    closeSmtp() {
        return new Promise((resolve) => this.smtp.close(resolve))
    }

    async stop() {
        for (const server of this.others) server.close()
        await this.closeSmtp()
        await this.dns.close()
    }

    /** `answer(attempt)` returns undefined to take the mail, or e.g. [451, '4.7.1 greylisted']. */
    answer(recipient, answer) {
        this.answers.set(recipient, answer)
    }

    /** A server of its own for `domain`, on another loopback address: `converse(socket)` is all it does. */
    async serve(domain, converse) {
        const address = `127.0.0.${this.others.length + 2}`
        this.zones.set(`mx.${domain}`, address)
        const server = net.createServer((socket) => {
            socket.on('error', () => {})
            converse(socket)
        })
        this.others.push(server)
        await new Promise((resolve) => server.listen(this.smtpPort, address, resolve))
        return server
    }

    /** The first mail to `recipient`; waits for it. */
    mailTo(recipient, timeoutMs) {
        return waitFor(() => this.mailsTo(recipient)[0], `a mail to ${recipient}`, timeoutMs)
    }

    /** Waits until somebody wanted to send to `recipient`, whatever the answer was. */
    attempted(recipient) {
        return waitFor(() => this.attempts.includes(recipient), `an attempt to send to ${recipient}`)
    }

    mailsTo(recipient) {
        return this.mails.filter(({ to }) => to.includes(recipient))
    }

    #answerTo(address) {
        this.attempts.push(address)
        const attempt = this.attempts.filter((other) => other === address).length
        const [responseCode, text] = this.answers.get(address)?.(attempt) || []
        return responseCode && Object.assign(new Error(text), { responseCode })
    }

    async #receive(stream, { envelope, secure }, done) {
        const chunks = []
        try {
            for await (const chunk of stream) chunks.push(chunk)
        } catch {
            return // the sender is gone, and nothing was taken
        }
        this.mails.push({
            from: envelope.mailFrom.address ?? '',
            to: envelope.rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks),
            secure,
            at: Date.now(),
        })
        done(null, '2.0.0 taken')
    }

    async #startDns() {
        const { Packet } = dns2
        this.dns = dns2.createServer({
            udp: true,
            handle: (request, send) => {
                const response = Packet.createResponseFromRequest(request)
                const [{ name, type }] = request.questions
                const zone = this.zones.get(name)
                const record = { name, type, class: Packet.CLASS.IN, ttl: 1 }
                if (zone in RCODES) response.header.rcode = RCODES[zone]
                else if (type === Packet.TYPE.MX) {
                    response.answers.push({ ...record, exchange: `mx.${name}`, priority: 10 })
                } else if (type === Packet.TYPE.A) {
                    response.answers.push({ ...record, address: zone ?? '127.0.0.1' })
                }
                send(response)
            },
        })
        await this.dns.listen({ udp: { port: this.dnsPort, address: '127.0.0.1' } })
    }
}

module.exports = { Mailbox }
