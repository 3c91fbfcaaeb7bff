'use strict'

// What an event costs the edge, from its outcome to the receiver's 2xx: CPU of this process, which does nothing else.
//   node bench/events.js [EVENTS] [A SECOND]
// The receiver is a process of its own that takes everything. Events come in small groups, as mails are delivered.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const { createServer } = require('node:http')
const os = require('node:os')
const path = require('node:path')

const { makeEvent } = require('../plugins/lib/event')
const { Reporter } = require('../plugins/lib/reporter')
const { Spool } = require('../plugins/lib/spool')

const TICK_MS = 1

if (process.send) receive()
else main(Number(process.argv[2] ?? 80_000), Number(process.argv[3] ?? 8000))

function receive() {
    let lines = 0
    let posts = 0
    const server = createServer((request, response) => {
        request.on('data', (bytes) => {
            for (const byte of bytes) if (byte === 0x0a) lines++
        })
        request.on('end', () => {
            posts++
            response.end('{}')
            process.send({ lines, posts })
        })
    })
    server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
}

async function main(count, rate) {
    const receiver = fork(__filename)
    const [{ port }] = await once(receiver, 'message')
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'events-bench-'))
    const spool = new Spool(dir)
    const reporter = new Reporter({ spool, url: `http://127.0.0.1:${port}`, secret: 'x'.repeat(32) })
    const running = reporter.run()
    let received = { lines: 0, posts: 0 }
    receiver.on('message', (told) => (received = told))
    const until = async (lines) => {
        while (received.lines < lines) await once(receiver, 'message')
    }

    await report(spool, rate, rate) // warm
    await until(rate)
    const before = { cpu: process.cpuUsage(), posts: received.posts }
    await report(spool, count, rate)
    await until(rate + count)
    const { user, system } = process.cpuUsage(before.cpu)
    const posts = received.posts - before.posts
    const micros = ((user + system) / count).toFixed(1)
    const peak = Math.round(process.resourceUsage().maxRSS / 1024)
    console.log(
        `${count} events, ${rate}/s: ${micros} µs CPU each, ${Math.round(count / posts)} a post, ${peak} MB at most`,
    )
    reporter.stop()
    await running
    await spool.close()
    receiver.kill()
    fs.rmSync(dir, { recursive: true })
}

async function report(spool, count, rate) {
    const began = performance.now()
    let sent = 0
    while (sent < count) {
        const due = Math.min(count, Math.ceil(((performance.now() - began) * rate) / 1000))
        const appended = []
        while (sent < due) appended.push(spool.append(delivered(sent++)))
        await Promise.all([...appended, new Promise((resolve) => setTimeout(resolve, TICK_MS))])
    }
}

const CONVERSATION = ['mail', 'rcpt', 'data', 'dot'].map((step) => ({ step, ms: 3, reply: '250 2.0.0 Ok' }))

const delivered = (n) =>
    makeEvent('delivered', 'edge-1', {
        message_id: '01890f5e-3f40-7abc-8def-0123456789ab',
        team_id: 1,
        recipient: `reader${n}@bigmail.example`,
        envelope_sender: `b-${'a'.repeat(40)}@kb.news.example`,
        from_domain: 'news.example',
        stream: 'broadcast',
        queue_id: '1C2D3E4F-5A6B-7C8D-9E0F-112233445566',
        attempt: 1,
        code: 250,
        enhanced: '2.0.0',
        response: 'Ok: queued as 4XyZ1234abc',
        provider: 'bigmail',
        mx: 'mx1.bigmail.example',
        ip: '127.0.25.1',
        port: 25,
        source_ip: '127.0.0.1',
        tls: true,
        tls_version: 'TLSv1.3',
        connection_mail: 7,
        delay_ms: 412,
        conversation: CONVERSATION,
    })
