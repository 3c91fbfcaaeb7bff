'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { DOMAIN, Edge } = require('./support/edge')
const { silentServer } = require('./support/silent_server')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')

let edge

beforeEach(async () => {
    edge = await Edge.start({ KIBA_DRAIN_SECONDS: 5, KIBA_RETRY_SCHEDULE: '1s*60' })
})
afterEach(() => edge.stop())

test('what was taken when it was killed is delivered after the start, and is a duplicate', async () => {
    await edge.mailbox.closeSmtp()
    const mails = Array.from({ length: 5 }, (_, i) => edge.mail({ recipient: `reader${i}@mailbox.example` }))
    assert.match(await edge.handOver(mails), /^250-0-4 queued edge-1/)
    await edge.kill()
    await edge.mailbox.openSmtp()

    await edge.launch()
    assert.match(await edge.handOver(mails), /^250-0-4 duplicate edge-1/)
    for (const { recipient } of mails) await edge.webhook.event({ type: 'delivered', recipient })
    assert.equal(edge.mailbox.mails.length, 5)
})

test('what was deferred when it was killed is tried again after the start, once', async () => {
    edge.mailbox.answer('grey@mailbox.example', (attempt) => attempt < 3 && [451, '4.7.1 later'])
    await edge.send('grey@mailbox.example')
    await edge.webhook.event({ type: 'deferred', recipient: 'grey@mailbox.example' })
    await edge.kill()
    await edge.launch()
    const { attempt } = await edge.webhook.event({ type: 'delivered', recipient: 'grey@mailbox.example' })
    assert.equal(attempt, 3)
    assert.equal(edge.mailbox.mailsTo('grey@mailbox.example').length, 1)
})

test("a broadcast's mail that may have been sent when it was killed is reported, and not sent again", async () => {
    const server = await silentServer(edge.mailbox, 'silent.example')
    const { messageId } = await edge.send('ann@silent.example')
    await waitFor(() => server.received, 'the text')
    await edge.kill()
    await edge.launch()
    const event = await edge.webhook.event({ type: 'unknown', message_id: messageId })
    assert.match(event.response, /may have arrived/)
    await edge.send('bob@mailbox.example')
    await edge.mailbox.mailTo('bob@mailbox.example')
    assert.equal(server.received, 1)
})

test('a transactional mail that may have been sent when it was killed is sent again', async () => {
    const server = await silentServer(edge.mailbox, 'silent.example')
    await edge
        .team()
        .sendMail({ from: `ann@${DOMAIN}`, to: 'ann@silent.example', subject: 'Receipt', text: 'Paid' })
    await waitFor(() => server.received, 'the text')
    await edge.kill()
    await edge.launch()
    await waitFor(() => server.received === 2, 'the text again')
    const accepted = edge.webhook.events.filter(({ type }) => type === 'accepted')
    assert.equal(new Set(accepted.map(({ event_id: id }) => id)).size, 1)
})

test('a queued mail of a broadcast that may have been sent when it was killed is not sent again', async () => {
    let attempts = 0
    let received = 0
    await edge.mailbox.serve('second.example', (socket) => {
        socket.write('220 second\r\n')
        let inText = false
        socket.on('data', (data) => {
            if (inText) return received++
            const command = data.toString()
            if (command.includes('RCPT') && attempts++ === 0) return socket.write('451 4.7.1 later\r\n')
            inText = command.startsWith('DATA')
            socket.write(inText ? '354 go\r\n' : '250 ok\r\n')
        })
    })
    const { messageId } = await edge.send('ann@second.example')
    await waitFor(() => received, 'the text, at the second attempt')
    await edge.kill()
    await edge.launch()
    const { attempt } = await edge.webhook.event({ type: 'unknown', message_id: messageId })
    assert.equal(attempt, 2)
    await waitFor(() => fs.readdirSync(path.join(edge.home, 'queue')).length === 0, 'the queue to be empty')
    assert.equal(received, 1)
})

test('events that were not taken when it was killed arrive after the start', async () => {
    await edge.webhook.stop()
    await edge.send('ann@mailbox.example')
    await edge.mailbox.mailTo('ann@mailbox.example')
    const journal = path.join(edge.home, 'events', '00000001.ndjson')
    await waitFor(() => fs.existsSync(journal) && fs.statSync(journal).size > 0, 'the event on disk')
    await edge.kill()
    fs.appendFileSync(journal, '{"event_id": "torn')
    await edge.webhook.start()

    await edge.launch()
    await edge.webhook.event({ type: 'delivered', recipient: 'ann@mailbox.example' })
    assert.equal(edge.webhook.events.length, 1)
    await edge.logged('torn event dropped')
})

test('SIGTERM finishes the open mail, hangs up on who waits, reports, and ends', async () => {
    edge.webhook.status = 503
    const open = await SmtpClient.connect(edge.ports.inbound)
    await open.send('EHLO mailbox.example')
    await open.send('MAIL FROM:<>')
    const { messageId, sender } = edge.mail()
    await open.send(`RCPT TO:<${sender}>`)
    const idle = await SmtpClient.connect(edge.ports.inbound)

    edge.process.kill('SIGTERM')
    assert.match(await idle.reply(), /^421 4\.3\.2 Shutting down/)
    assert.equal((await edge.health()).status, 'draining')
    await assert.rejects(
        SmtpClient.connect(edge.ports.inbound).then((client) => client.greeting || Promise.reject()),
    )
    await open.send('DATA')
    edge.webhook.status = 200
    assert.match(await open.send('Subject: bounce\r\n\r\nHello\r\n.'), /^250 received/)
    assert.match(await open.reply(), /^421 4\.3\.2 /)
    assert.equal(await edge.exited, 0)
    assert.equal(edge.webhook.events[0].message_id, messageId)
    const events = edge.logs.map(({ event }) => event)
    assert.ok(events.indexOf('draining') < events.indexOf('stopped'), events.join())
})

test('SIGTERM finishes what is being sent, and what waits is sent after the next start, once', async () => {
    const received = []
    await edge.mailbox.serve('slow.example', (socket) => {
        socket.write('220 slow\r\n')
        let inText = false
        socket.on('data', (data) => {
            const text = data.toString()
            if (inText) {
                if (!text.endsWith('\r\n.\r\n')) return
                inText = false
                return setTimeout(() => socket.write('250 taken\r\n'), 200)
            }
            received.push(...[...text.matchAll(/RCPT TO:<(.*)>/g)].map(([, recipient]) => recipient))
            inText = text.includes('DATA')
            socket.write(inText ? '354 go\r\n' : '250 ok\r\n')
        })
    })
    const mails = Array.from({ length: 60 }, (_, i) => edge.mail({ recipient: `reader${i}@slow.example` }))
    await edge.handOver(mails)
    await waitFor(() => received.length > 0, 'the first mail')
    edge.process.kill('SIGTERM')
    assert.equal(await edge.exited, 0)
    assert.ok(received.length < mails.length)

    await edge.launch()
    for (const { messageId } of mails) await edge.webhook.event({ type: 'delivered', message_id: messageId })
    assert.deepEqual(received.toSorted(), mails.map(({ recipient }) => recipient).toSorted())
    assert.equal(edge.webhook.count('unknown'), 0)
})

test('SIGTERM waits no longer than it may, and leaves what is being sent all of that time', async () => {
    const server = await silentServer(edge.mailbox, 'slow.example')
    const { messageId } = await edge.send('ann@slow.example')
    await waitFor(() => server.received, 'the text')
    const stuck = await SmtpClient.connect(edge.ports.inbound)
    await stuck.send('EHLO mailbox.example')
    await stuck.send('MAIL FROM:<>')
    const asked = Date.now()
    edge.process.kill('SIGTERM')
    await waitFor(async () => (await edge.health()).status === 'draining', 'the drain')
    server.answer()
    assert.equal(await edge.exited, 0)
    assert.ok(Date.now() - asked < 7000)
    await edge.webhook.event({ type: 'delivered', message_id: messageId })
})
