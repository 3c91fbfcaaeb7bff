'use strict'

// Posts the spooled events to the webhook receiver: in order, one request at a time, signed, again and again
// until it answers 2xx.

const { createHmac } = require('node:crypto')
const { appendFile } = require('node:fs/promises')
const path = require('node:path')

const { waitingFor } = require('./backpressure')
const { steadyNow } = require('./clock')
const log = require('./log')
const names = require('./names')
const { Poster } = require('./post')

const MAX_EVENTS = 2000
const MAX_BYTES = 4 * 1024 * 1024
const LINGER_MS = 200
const TIMEOUT_MS = 15_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
const REFUSED = 'refused.ndjson'

class Reporter {
    #limit = MAX_EVENTS
    #waiting = 0 // of those that were appended since the start
    #wake = () => {}
    #stopped = false
    #failures = 0

    /**
     * @param {object} options
     * @param {import('./spool').Spool} options.spool
     * @param {string} options.url base URL of the webhook receiver
     * @param {string} options.secret
     * @param {(count: number) => void} [options.onPosted]
     */
    constructor({ spool, url, secret, onPosted = () => {} }) {
        this.spool = spool
        this.poster = new Poster(`${url}${names.PATH_MTA_EVENTS}`, TIMEOUT_MS)
        this.secret = secret
        this.onPosted = onPosted
        spool.onAppend = (count) => {
            this.#waiting += count
            this.#wake()
        }
    }

    /** Works until `stop`. A batch goes when it is full, or 200 ms after the one before. */
    async run() {
        while (!this.#stopped) {
            const limit = this.#limit
            const posted = await this.postNext()
            if (posted < limit && !(posted > 0 && this.#isFull())) await this.#pause()
        }
    }

    /** Posts what is spooled, until nothing is left, the receiver fails, or it is `deadline` (a steadyNow()). */
    async flush(deadline) {
        while (steadyNow() < deadline && (await this.postNext()) > 0);
    }

    /** Ends `run` after the request under way. */
    stop() {
        this.#stopped = true
        this.#wake()
    }

    /** @returns {Promise<number>} events that left the spool; 0 where none waited or the receiver failed */
    async postNext() {
        try {
            const batch = await this.spool.next(this.#limit, MAX_BYTES)
            if (batch === null) return 0
            const malformed = await waitingFor('webhook', () => this.#post(batch.body))
            if (malformed !== null && batch.count > 1) {
                // One malformed event must not hold up the others: halve until it stands alone.
                this.#limit = Math.ceil(batch.count / 2)
                return await this.postNext()
            }
            if (malformed !== null) await this.#setAside(batch.body, malformed)
            await this.spool.taken(batch.end)
            this.#succeeded(batch)
            return batch.count
        } catch (err) {
            this.#failed(err)
            return 0
        }
    }

    /** @returns {Promise<string | null>} null when they were taken; else what the receiver finds malformed */
    async #post(body) {
        const headers = { 'content-type': 'application/x-ndjson', ...signed(body, this.secret) }
        const { status, text } = await this.poster.post(headers, body)
        if (status >= 200 && status < 300) return null
        if (status === 400) return text
        throw new Error(`${status} ${text.slice(0, 200)}`)
    }

    async #setAside(body, reason) {
        await appendFile(path.join(this.spool.dir, REFUSED), body)
        log.error('event refused', { reason: reason.slice(0, 500), kept_in: REFUSED })
    }

    #succeeded({ count }) {
        if (this.#failures) log.info('webhook receiver is back', { failures: this.#failures })
        this.#failures = 0
        this.#limit = Math.min(this.#limit * 2, MAX_EVENTS)
        this.#waiting = Math.max(0, this.#waiting - count)
        this.onPosted(count)
    }

    #failed(err) {
        this.#failures++
        if (this.#failures > 1) return
        const reason = err.cause?.message || err.message || err.code
        log.error('webhook receiver is away', { reason, backlog_bytes: this.spool.backlogBytes })
    }

    #isFull() {
        return this.#waiting >= MAX_EVENTS && this.#failures === 0
    }

    /** Ends when a full batch waits, too; but not after a failure. */
    #pause() {
        const ms = this.#failures
            ? Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS)
            : LINGER_MS
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, ms)
            this.#wake = () => {
                if (!this.#isFull() && !this.#stopped) return
                clearTimeout(timer)
                resolve()
            }
            this.#wake()
        })
    }
}

function signed(body, secret) {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const mac = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')
    return { [names.HEADER_TIMESTAMP]: timestamp, [names.HEADER_SIGNATURE]: `v1=${mac}` }
}

module.exports = { Reporter }
