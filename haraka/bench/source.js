'use strict'

// Hands mail over as workers and programs do, over kept connections; a process of its own, forked by throughput.js.

const { Edge, DOMAIN, TEAM } = require('../test/support/edge')
const { SmtpClient } = require('../test/support/smtp')
const { wireOf } = require('./batches')

const A_BATCH = 500
const TEXT = Buffer.from(
    [
        `From: Shop <shop@${DOMAIN}>`,
        'To: buyer@mailbox.example',
        'Subject: Your order',
        'Message-ID: <1@news.acme.example>',
        'Date: Tue, 24 Nov 2026 08:00:00 +0000',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        '',
        `${'x'.repeat(74)}\r\n`.repeat(130),
        '.\r\n',
    ].join('\r\n'),
)

const KINDS = {
    batches: {
        login: (edge) => [edge.ports.internal, 'internal', edge.secrets.INTERNAL_SECRET],
        works: (count) =>
            Array.from({ length: count / A_BATCH }, (_, i) => ({
                sender: '',
                recipient: 'batch@mx.example',
                text: wireOf(i, A_BATCH),
            })),
    },
    mails: {
        login: (edge) => [edge.ports.submission, TEAM.id, TEAM.apiKey],
        works: (count) =>
            Array.from({ length: count }, (_, i) => ({
                sender: `shop@${DOMAIN}`,
                recipient: `buyer${i}@mailbox${i % 50}.example`,
                text: TEXT,
            })),
    },
}

process.once('message', async ({ kind, count, connections, ports, secrets }) => {
    const edge = Object.assign(new Edge(), { ports, secrets })
    const { login, works } = KINDS[kind]
    const waiting = works(count)
    const clients = await Promise.all(Array.from({ length: connections }, () => open(...login(edge))))
    process.send('ready')
    process.once('message', async () => {
        await Promise.all(
            clients.map(async (client) => {
                for (let work; (work = waiting.pop());) await submit(client, work)
            }),
        )
        clients.forEach((client) => client.end())
        process.send('done')
        process.disconnect()
    })
})

async function open(port, user, password) {
    const client = await SmtpClient.connect(port)
    await client.login(user, password)
    return client
}

/** As long as the edge says 4xx it is full. */
async function submit(client, { sender, recipient, text }) {
    for (;;) {
        client.write(`MAIL FROM:<${sender}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`)
        for (let reply = 0; reply < 3; reply++) await client.reply()
        client.write(text)
        const reply = await client.reply()
        if (reply.startsWith('250')) return
        if (!reply.startsWith('4')) throw new Error(reply)
        await new Promise((resolve) => setTimeout(resolve, 50))
    }
}
