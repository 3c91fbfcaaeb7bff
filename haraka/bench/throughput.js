'use strict'

// How many mails a second go through one edge, and what they cost:
//   node bench/throughput.js batches|mails [MAILS] [CONNECTIONS] [FOLDER FOR A CPU PROFILE]
// batches: as workers hand them over, 500 mails each; mails: as programs submit them, one a transaction. Source, edge,
// Redis, webhook receiver and sink share the machine. Mails have 10 KB and go to 50 domains. The environment is the
// edge's: KIBA_SIGN=0 leaves out the signatures.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

const names = require('../plugins/lib/names')
const { Edge } = require('../test/support/edge')
const { freePorts } = require('../test/support/ports')
const { waitFor } = require('../test/support/wait')

const [kind = 'batches', mails = '20000', connections = '4', profile] = process.argv.slice(2)
const count = Number(mails)

// No receiver's limit, but the machine's.
const POLICY = { connections: 4, mails_per_connection: 10_000, per_minute: 60_000_000, per_day: null }

async function main() {
    const [sinkPort] = await freePorts(1)
    const sink = spawn(process.execPath, [path.join(__dirname, 'sink.js'), sinkPort], { stdio: 'ignore' })
    const chosen = Object.entries(process.env).filter(([name]) => name.startsWith('KIBA_'))
    const edge = await Edge.start(
        { ...Object.fromEntries(chosen), KIBA_DELIVERY_PORT: sinkPort },
        profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [],
    )
    try {
        await edge.redis.client.hset(names.LANE_POLICIES_KEY, '*', JSON.stringify(POLICY))
        const source = fork(path.join(__dirname, 'source.js'))
        const { ports, secrets } = edge
        source.send({ kind, count, connections: Number(connections), ports, secrets })
        await once(source, 'message')
        const before = await used(edge)
        const began = Date.now()
        source.send('go')
        await once(source, 'message')
        const accepted = Date.now()
        await waitFor(() => edge.webhook.count('delivered') >= count, 'the last event', 600_000)
        const seconds = (Date.now() - began) / 1000
        const after = await used(edge)
        console.log({
            [kind]: count,
            accepted_per_s: rate(count, accepted - began),
            delivered_and_reported_per_s: rate(count, seconds * 1000),
            edge_cpu_us_a_mail: Math.round(((after.cpu - before.cpu) * 1e6) / count),
            edge_peak_mb: Math.round(after.memory / 1e6),
        })
    } finally {
        sink.kill()
        await edge.stop()
    }
}

async function used(edge) {
    const [cpu, memory] = await Promise.all(
        ['process_cpu_seconds_total', 'process_resident_memory_bytes'].map((name) => edge.metric(name)),
    )
    return { cpu, memory }
}

const rate = (number, ms) => Math.round((number * 1000) / ms)

main()
