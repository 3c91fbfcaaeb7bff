'use strict'

// The webhook receiver's place: checks the signature as the real one does, and keeps the events.

const { createHmac } = require('node:crypto')
const { createServer } = require('node:http')

const names = require('../../plugins/lib/names')
const { waitFor } = require('./wait')

class WebhookReceiver {
    constructor(port, secret) {
        this.port = port
        this.secret = secret
        this.url = `http://127.0.0.1:${port}`
        this.events = []
        this.posts = 0
        this.status = 200
        this.isMalformed = () => false
    }

    async start() {
        this.server = createServer((request, response) => this.#take(request, response))
        await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
        return this
    }

    async stop() {
        this.server.closeAllConnections()
        await new Promise((resolve) => this.server.close(resolve))
    }

    /** The first event that has these fields; waits for it. */
    event(fields, timeoutMs) {
        const matches = (event) => Object.entries(fields).every(([name, value]) => event[name] === value)
        return waitFor(() => this.events.find(matches), `the event ${JSON.stringify(fields)}`, timeoutMs)
    }

    /** How many events of a type have come. */
    count(type) {
        return this.events.filter((event) => event.type === type).length
    }

    async #take(request, response) {
        const chunks = []
        for await (const chunk of request) chunks.push(chunk)
        const body = Buffer.concat(chunks)
        response.statusCode = this.#judge(request, body)
        if (response.statusCode === 200) this.events.push(...lines(body))
        this.posts++
        response.end()
    }

    #judge(request, body) {
        const timestamp = request.headers[names.HEADER_TIMESTAMP.toLowerCase()]
        const mac = createHmac('sha256', this.secret).update(`${timestamp}.`).update(body).digest('hex')
        if (request.url !== names.PATH_MTA_EVENTS) return 404
        if (Math.abs(Date.now() / 1000 - timestamp) > 300) return 401
        if (request.headers[names.HEADER_SIGNATURE.toLowerCase()] !== `v1=${mac}`) return 401
        if (lines(body).some(this.isMalformed)) return 400
        return this.status
    }
}

const lines = (body) => body.toString().trimEnd().split('\n').map(JSON.parse)

module.exports = { WebhookReceiver }
