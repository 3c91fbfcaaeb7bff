'use strict'

// GET /health and GET /metrics.

const { heldUpNow } = require('./lib/backpressure')
const lifecycle = require('./lib/lifecycle')
const { listeners } = require('./lib/listeners')
const log = require('./lib/log')
const metrics = require('./lib/metrics')
const services = require('./lib/services')
const { settings } = require('./lib/settings')
const { statusServer } = require('./lib/status_server')

const BACKLOG_IS_FAILING = 0.5 // of the bytes above which no mail is taken

exports.register = () => {
    metrics.gauge(
        'kibamail_event_backlog_bytes',
        'Events on disk, not yet posted',
        () => services.spool.backlogBytes,
    )
    metrics.gauge('kibamail_connections', 'Open SMTP connections', () => lifecycle.connections.size)
}

exports.hook_init_master = function (next) {
    this.http = statusServer((request, response) => this.answer(request, response))
    this.http.once('error', (err) => {
        throw err
    })
    this.http.listen(settings.healthPort, settings.healthHost, () => {
        log.info(
            'started',
            Object.fromEntries(listeners.map(({ name, host, port }) => [name, `${host}:${port}`])),
        )
        // To the first of several processes (lib/nodes.js).
        process.send?.({ started: true })
        next()
    })
}

exports.shutdown = function () {
    this.http?.close()
}

exports.answer = async function (request, response) {
    const path = request.url.split('?', 1)[0]
    if (path === '/health') {
        const report = await this.report()
        response.writeHead(report.status === 'ok' ? 200 : 503, { 'content-type': 'application/json' })
        return response.end(JSON.stringify(report))
    }
    if (path === '/metrics') {
        response.writeHead(200, { 'content-type': metrics.registry.contentType })
        return response.end(await metrics.registry.metrics())
    }
    response.writeHead(404, { 'content-type': 'text/plain' })
    response.end('There are /health and /metrics.\n')
}

exports.report = async function () {
    const checks = {
        redis: await outcome(() => services.redis.ping()),
        events: await outcome(backlog),
        spool: await outcome(spooled),
        lanes: await outcome(inLanes),
        queue: await outcome(queued),
    }
    const failing = !Object.values(checks).every(({ ok }) => ok)
    const status = lifecycle.draining ? 'draining' : failing ? 'failing' : 'ok'
    return { status, process: 'smtp', checks, held_up_by: heldUpNow() }
}

function backlog() {
    const bytes = services.spool.backlogBytes
    if (bytes > settings.maxBacklogBytes * BACKLOG_IS_FAILING) {
        throw new Error(`${bytes} bytes wait for the webhook receiver at ${settings.webhookUrl}`)
    }
    return `${bytes} bytes wait`
}

function spooled() {
    const { mails, bytes } = services.mailSpool.counts
    return `${mails} mails, ${bytes} bytes`
}

function inLanes() {
    const { waiting, inFlight, connections } = services.wayOut.lanes.counts
    return `${inFlight} being sent, ${waiting} waiting, ${connections} connections`
}

function queued() {
    const { underWay, waiting } = services.wayOut.tail.counts
    return `${waiting} waiting, ${underWay} in the lanes`
}

async function outcome(check) {
    try {
        return { ok: true, detail: await check() }
    } catch (err) {
        return { ok: false, detail: err.message }
    }
}
