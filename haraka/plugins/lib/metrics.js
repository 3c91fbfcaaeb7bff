'use strict'

// What /metrics tells, by the names of sidecars/telemetry/metrics.py. The edge's stages are queue, duplicate,
// refuse, deliver, defer, bounce, unknown, cancel and inbound.

const client = require('prom-client')

const { heldUpBy } = require('./backpressure')

client.collectDefaultMetrics()

const mails = new client.Counter({
    name: 'kibamail_mails_total',
    help: 'Mails that passed a stage',
    labelNames: ['stage'],
})
const stageSeconds = new client.Histogram({
    name: 'kibamail_stage_seconds',
    help: 'Seconds from the queue to the delivery',
    labelNames: ['stage'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600],
})
const eventsSpooled = new client.Counter({
    name: 'kibamail_events_spooled_total',
    help: 'Events that were written to the spool',
    labelNames: ['type'],
})
const eventsPosted = new client.Counter({
    name: 'kibamail_events_posted_total',
    help: 'Events that the webhook receiver took',
})
const batchesRefused = new client.Counter({
    name: 'kibamail_batches_refused_total',
    help: 'Batches that were not taken',
    labelNames: ['reason'],
})
const slowClients = new client.Counter({
    name: 'kibamail_slow_clients_total',
    help: 'SMTP connections that were ended because they took too long',
})
const syncSeconds = new client.Histogram({
    name: 'kibamail_spool_sync_seconds',
    help: 'Seconds until taken mails were on disk',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
})

new client.Gauge({
    name: 'kibamail_backpressure',
    help: '1 while the cause holds this edge up',
    labelNames: ['cause'],
    collect() {
        for (const [cause, seconds] of heldUpBy()) this.set({ cause }, seconds > 0 ? 1 : 0)
    },
})
new client.Gauge({
    name: 'kibamail_backpressure_seconds',
    help: 'How long it has done so; 0: it does not',
    labelNames: ['cause'],
    collect() {
        for (const [cause, seconds] of heldUpBy()) this.set({ cause }, seconds)
    },
})

/** A value that is looked up when it is asked for. */
function gauge(name, help, read) {
    return new client.Gauge({
        name,
        help,
        collect() {
            this.set(read())
        },
    })
}

module.exports = {
    registry: client.register,
    mails,
    stageSeconds,
    eventsSpooled,
    eventsPosted,
    batchesRefused,
    slowClients,
    syncSeconds,
    gauge,
}
