'use strict'

// Clients that hold on: that do not shake hands, do not log in, send a byte a second, do not read, or are many. Each is
// ended in time, with bounded memory, while others are served.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { after, before, describe, test } = require('node:test')

const { DOMAIN, Edge, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')

const PER_ADDRESS = 30
const LIMITS = {
    KIBA_SMTP_LOGIN_SECONDS: 4,
    KIBA_SMTP_IDLE_SECONDS: 6,
    KIBA_SMTP_LEAST_RATE: 1000,
    KIBA_SMTP_CONNECTIONS_PER_ADDRESS: PER_ADDRESS,
}
let edge

before(async () => {
    edge = await Edge.start(LIMITS)
})
after(() => edge.stop())

/** Says a byte at a time, for ever. @returns {Promise<string>} what it hears in the end */
async function trickle(client, bytes) {
    let at = 0
    const timer = setInterval(() => client.socket.writable && client.write(bytes[at++ % bytes.length]), 200)
    try {
        return await client.reply()
    } finally {
        clearInterval(timer)
        client.end()
    }
}

/** @returns {Promise<void>} when the edge has hung up */
function gone(socket) {
    if (socket.closed) return Promise.resolve()
    return new Promise((resolve) =>
        socket
            .on('error', () => {})
            .once('close', resolve)
            .resume(),
    )
}

const connect = (port, host) => net.connect({ port, host: '127.0.0.1', localAddress: host })
const memory = () =>
    Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${edge.process.pid}/status`))[1]) * 1024
const mail = () => ({ from: `ann@${DOMAIN}`, to: 'bob@mailbox.example', subject: 'Hi', text: 'Hello' })

describe('a client', { concurrency: true }, () => {
    for (const listener of ['submission', 'internal']) {
        test(`that sends ${listener} a command a byte at a time has as long as for a login`, async () => {
            const client = await SmtpClient.connect(edge.ports[listener])
            assert.match(
                await trickle(client, 'EHLO client.example and so on without an end'),
                /^421 4\.4\.2 .*logged in/,
            )
        })
    }

    test('that says NOOP again and again instead of logging in is ended', async () => {
        const client = await SmtpClient.connect(edge.ports.submission)
        let reply
        do reply = await client.send('NOOP')
        while (reply.startsWith('250'))
        assert.match(reply, /^421 4\.4\.2 |^$/)
    })

    for (const listener of ['smtps', 'submission', 'internal']) {
        test(`that does not shake hands for TLS with ${listener} is ended`, async () => {
            const socket = connect(edge.ports[listener])
            if (listener !== 'smtps') {
                socket.write('EHLO client.example\r\n')
                await new Promise((resolve) => socket.once('data', resolve))
                socket.write('STARTTLS\r\n')
                await new Promise((resolve) => socket.once('data', resolve))
            }
            socket.write(Buffer.from([0x16, 0x03, 0x01])) // a handshake begins so
            await gone(socket)
        })
    }

    test('that brings inbound no mail is ended', async () => {
        const client = await SmtpClient.connect(edge.ports.inbound)
        assert.match(await trickle(client, 'MAIL FROM:<'), /^421 4\.4\.2 .*no mail/)
    })

    test('that sends a text a byte at a time is ended, a stranger and a team alike', async () => {
        const stranger = await SmtpClient.connect(edge.ports.inbound)
        await stranger.send('EHLO mailbox.example')
        const team = await SmtpClient.connect(edge.ports.submission)
        await team.login(TEAM.id, TEAM.apiKey)
        for (const [client, recipient] of [
            [stranger, `postmaster@mx.kibamail.test`],
            [team, 'bob@mailbox.example'],
        ]) {
            for (const line of [`MAIL FROM:<ann@${DOMAIN}>`, `RCPT TO:<${recipient}>`, 'DATA'])
                await client.send(line)
        }
        const replies = await Promise.all([stranger, team].map((client) => trickle(client, 'Subject: x\r\n')))
        for (const reply of replies) assert.match(reply, /^421 4\.4\.2 .*too slowly/)
    })

    test('that talks on and reads no reply does not fill memory, and is ended', async () => {
        const before = memory()
        const socket = connect(edge.ports.inbound)
        socket.pause()
        const ended = new Promise((resolve) => socket.on('error', resolve).once('close', resolve))
        const commands = 'EHLO mailbox.example\r\n'.repeat(20_000)
        const say = () => socket.writable && socket.write(commands, say)
        say()
        await ended
        assert.ok(memory() - before < 200 * 2 ** 20, `${memory() - before} bytes`)
    })
})

test('one address has so many connections, and others are served meanwhile', async () => {
    const sockets = Array.from({ length: PER_ADDRESS * 2 }, (_, i) =>
        connect(edge.ports[['inbound', 'submission', 'smtps'][i % 3]], '127.0.0.9'),
    )
    const refusals = []
    for (const socket of sockets) {
        socket
            .on('error', () => {})
            .on('data', (data) => String(data).startsWith('421 4.7.0') && refusals.push(data))
    }
    await waitFor(
        () => sockets.filter(({ closed }) => closed).length === PER_ADDRESS,
        'as many as may not be open',
    )
    assert.match(String(refusals[0]), /Too many connections from 127\.0\.0\.9: 30 may be open\r\n$/)
    const { response } = await edge.team().sendMail(mail())
    assert.match(response, /^250 queued/)
    const [open] = sockets.filter(({ closed }) => !closed)
    open.destroy()
    await waitFor(async () => {
        const next = await SmtpClient.connect(edge.ports.inbound, '127.0.0.9')
        next.end()
        return next.greeting.startsWith('220')
    }, 'room for another')
    for (const socket of sockets) socket.destroy()
})

test('who comes and goes again and again is never too many, over TLS or not', async () => {
    for (let i = 0; i < PER_ADDRESS + 5; i++) {
        const client = await SmtpClient.connect(edge.ports[i % 2 ? 'inbound' : 'submission'], '127.0.0.8')
        assert.match(client.greeting, /^220 /, `number ${i}`)
        await client.startTls()
        const gone = new Promise((resolve) => client.socket.once('close', resolve))
        client.end()
        await gone
    }
})

test('/health and /metrics answer while hundreds ask a byte at a time, who are ended', async () => {
    const slow = Array.from({ length: 200 }, () => {
        const socket = connect(edge.ports.health).on('error', () => {})
        socket.write('GET /health HTTP/1.1\r\nHost: ')
        return socket
    })
    assert.equal((await edge.health()).status, 'ok')
    await Promise.all(slow.map(gone))
})
