'use strict'

// POSTs over a connection that is kept. Node's own client, since fetch costs twice as much and copies each body.

const http = require('node:http')
const https = require('node:https')

class Poster {
    /** @param {string} url @param {number} timeoutMs for each request, from its start to the answer's end */
    constructor(url, timeoutMs) {
        this.url = new URL(url)
        this.timeoutMs = timeoutMs
        this.client = this.url.protocol === 'https:' ? https : http
        this.agent = new this.client.Agent({ keepAlive: true })
    }

    /** @param {Record<string, string>} headers @param {Buffer} body @returns {Promise<{status: number, text: string}>} */
    post(headers, body) {
        return new Promise((resolve, reject) => {
            const request = this.client.request(this.url, {
                method: 'POST',
                agent: this.agent,
                headers: { ...headers, 'content-length': body.length },
                signal: AbortSignal.timeout(this.timeoutMs),
            })
            request.on('response', (response) =>
                readText(response).then((text) => resolve({ status: response.statusCode, text }), reject),
            )
            // The other side ends idle connections when it likes, also while we write to one.
            request.on('error', (err) => {
                const closedMeanwhile = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(err.code)
                if (closedMeanwhile) this.post(headers, body).then(resolve, reject)
                else reject(err)
            })
            request.end(body)
        })
    }
}

async function readText(response) {
    response.setEncoding('utf8')
    let text = ''
    for await (const part of response) text += part
    return text
}

module.exports = { Poster }
