'use strict'

// Several edges on one machine, behind the same listeners. The first process starts the others and keeps nothing but
// the listeners; each of them is an edge of its own, with a name, a home and a health port (settings.js). One that
// dies is started again, and takes up what it left.

const cluster = require('node:cluster')

const log = require('./log')
const { statusServer } = require('./status_server')

const RESTART_MS = 1000
const ASK_MS = 2000

class Nodes {
    #workers = new Map() // number of the node → its process
    #started = new Set() // numbers of those that have been well at least once
    #isDraining = false

    /** @param {ReturnType<typeof import('./settings').load>} settings */
    constructor(settings) {
        this.settings = settings
    }

    start() {
        for (let number = 1; number <= this.settings.nodes; number++) this.#fork(number)
        const { healthPort, healthHost } = this.settings
        this.http = statusServer((request, response) => this.#answer(request, response))
        this.http.listen(healthPort, healthHost)
    }

    /** Has each end by itself, and ends. @param {number} [code] */
    drain(code = 0) {
        if (this.#isDraining) return
        this.#isDraining = true
        this.code = code
        this.signal('SIGTERM')
        this.#endWhenAlone()
    }

    /** @param {NodeJS.Signals} signal for each of them */
    signal(signal) {
        for (const { process: child } of this.#workers.values()) child.kill(signal)
    }

    #fork(number) {
        const worker = cluster.fork({ KIBA_NODE: number })
        log.info('node started', { node: number, pid: worker.process.pid })
        this.#workers.set(number, worker)
        worker.on('message', ({ started }) => started && this.#started.add(number))
        worker.once('exit', (code, signal) => this.#ended(number, signal ?? code))
    }

    #ended(number, how) {
        this.#workers.delete(number)
        if (this.#isDraining) return this.#endWhenAlone()
        log.error('a node ended', { node: number, how })
        // What never worked would not work the next time either.
        if (!this.#started.has(number)) return this.drain(1)
        setTimeout(() => this.#isDraining || this.#fork(number), RESTART_MS)
    }

    #endWhenAlone() {
        if (this.#workers.size > 0) return
        log.info('stopped', { nodes: this.settings.nodes })
        process.exit(this.code)
    }

    async #answer(request, response) {
        if (request.url.split('?', 1)[0] !== '/health') {
            response.writeHead(404, { 'content-type': 'text/plain' })
            return response.end(
                `There is /health. Ask the nodes, on the ports above this one, for their /metrics.\n`,
            )
        }
        const report = await this.#report()
        response.writeHead(report.status === 'ok' ? 200 : 503, { 'content-type': 'application/json' })
        response.end(JSON.stringify(report))
    }

    async #report() {
        const numbers = Array.from({ length: this.settings.nodes }, (_, i) => i + 1)
        const reports = await Promise.all(numbers.map((number) => this.#reportOf(number)))
        const checks = numbers.map((number, i) => [
            `${this.settings.edgeName}.${number}`,
            { ok: reports[i].status === 'ok', detail: reports[i].status },
        ])
        const status = reports.every((each) => each.status === 'ok') ? 'ok' : 'failing'
        return {
            status: this.#isDraining ? 'draining' : status,
            process: 'smtp',
            checks: Object.fromEntries(checks),
            held_up_by: longest(reports.map((each) => each.held_up_by)),
        }
    }

    async #reportOf(number) {
        const { healthHost, healthPort } = this.settings
        try {
            const url = `http://${healthHost}:${healthPort + number}/health`
            const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) })
            return await answer.json()
        } catch {
            return { status: 'away', held_up_by: {} }
        }
    }
}

/** @param {Record<string, number>[]} holds seconds by cause */
function longest(holds) {
    const causes = new Set(holds.flatMap(Object.keys))
    const most = (cause) => Math.max(...holds.map((hold) => hold[cause] ?? 0))
    return Object.fromEntries(Array.from(causes, (cause) => [cause, most(cause)]))
}

module.exports = { Nodes }
