'use strict'

// What taking a mail costs the edge, from the worker's bytes to its 250: TLS, reading, checking, the file and its
// fsync, the claims. Nothing is sent.
//   node bench/intake.js [BATCHES] [MAILS A BATCH] [CONNECTIONS] [FOLDER FOR A CPU PROFILE]
// Mails have 10 KB, 700 octets of them their own.

const path = require('node:path')

const { Edge } = require('../test/support/edge')
const { SmtpClient } = require('../test/support/smtp')
const { wireOf } = require('./batches')

const [batches = 100, mails = 500, connections = 4] = process.argv.slice(2, 5).map(Number)
const profile = process.argv[5]

const WARM_UP = 200

async function submit(client, wire) {
    for (const command of ['MAIL FROM:<>', 'RCPT TO:<batch@mx.example>', 'DATA']) await client.send(command)
    client.write(wire)
    const reply = await client.reply()
    if (!reply.startsWith(`250-0-${mails - 1} queued`)) throw new Error(reply)
}

async function main() {
    const required = ['--require', path.join(__dirname, 'no_dispatch.js')]
    const profiled = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
    const edge = await Edge.start({ KIBA_MAX_SPOOLED_MAILS: (batches + WARM_UP) * mails }, [
        ...required,
        ...profiled,
    ])
    try {
        const wires = Array.from({ length: batches + WARM_UP }, (_, i) => wireOf(i, mails))
        const clients = await Promise.all(Array.from({ length: connections }, () => open(edge)))
        for (const wire of wires.splice(0, WARM_UP)) await submit(clients[0], wire)
        const bytes = wires[0].length
        const cpu = await edge.metric('process_cpu_seconds_total')
        await Promise.all(
            clients.map(async (client) => {
                for (let wire; (wire = wires.pop());) await submit(client, wire)
            }),
        )
        const used = (await edge.metric('process_cpu_seconds_total')) - cpu
        clients.forEach((client) => client.end())
        console.log({
            batches,
            mails,
            bytes_a_batch: bytes,
            edge_cpu_us_a_mail: (used * 1e6) / (batches * mails),
        })
    } finally {
        await edge.stop()
    }
}

async function open(edge) {
    const client = await SmtpClient.connect(edge.ports.internal)
    await client.login('internal', edge.secrets.INTERNAL_SECRET)
    return client
}

main()
