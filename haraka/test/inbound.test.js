'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const nodemailer = require('nodemailer')
const { v7: uuid } = require('uuid')

const { DOMAIN, Edge, RETURN_PATH, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')

const MESSAGE_ID = uuid()
let edge

before(async () => {
    edge = await Edge.start()
})
after(() => edge.stop())

function deliver(to, raw, from = '') {
    const transport = nodemailer.createTransport({
        host: '127.0.0.1',
        port: edge.ports.inbound,
        tls: { rejectUnauthorized: false },
    })
    return transport.sendMail({ envelope: { from, to }, raw })
}

const DSN = 'From: MAILER-DAEMON@mailbox.example\r\nSubject: Undelivered\r\n\r\n.no such user\r\n'

test('a DSN to a return path is an event with its message id and its text', async () => {
    const { response } = await deliver(edge.returnPathOf(MESSAGE_ID), DSN)
    assert.match(response, /^250 received/)
    const event = await edge.webhook.event({ type: 'inbound', message_id: MESSAGE_ID })
    assert.equal(event.envelope_sender, '')
    assert.equal(event.recipient, edge.returnPathOf(MESSAGE_ID))
    assert.equal(event.subject, 'Undelivered')
    assert.equal(event.ip, '127.0.0.1')
    assert.equal(event.tls, true)
    assert.match(
        Buffer.from(event.raw, 'base64').toString(),
        /Subject: Undelivered\r\n\r\n\.no such user\r\n$/,
    )
})

test('a return path is known in whatever case it comes back', async () => {
    const id = uuid()
    await deliver(edge.returnPathOf(id).toUpperCase(), DSN)
    await edge.webhook.event({ type: 'inbound', message_id: id })
})

test('a mail to an unsubscribe address is an event', async () => {
    const id = uuid()
    const address = `u-${edge.token(id)}@${RETURN_PATH}`
    await deliver(address, 'From: ann@mailbox.example\r\n\r\n\r\n', 'ann@mailbox.example')
    const event = await edge.webhook.event({ type: 'inbound', message_id: id })
    assert.equal(event.recipient, address)
    assert.equal(event.envelope_sender, 'ann@mailbox.example')
})

test('of a large mail the first 64 KiB go on', async () => {
    const id = uuid()
    await deliver(edge.returnPathOf(id), `Subject: Large\r\n\r\n${'line of a large mail\r\n'.repeat(20_000)}`)
    const { raw } = await edge.webhook.event({ type: 'inbound', message_id: id })
    assert.equal(Buffer.from(raw, 'base64').length, 65_536)
})

test('postmaster, abuse and bounces of a return path are heard', async () => {
    for (const role of ['postmaster', 'Abuse', 'bounces']) {
        await deliver(`${role}@${RETURN_PATH}`, DSN, 'ann@mailbox.example')
        const event = await edge.webhook.event({ type: 'inbound', recipient: `${role}@${RETURN_PATH}` })
        assert.deepEqual([event.message_id, event.team_id], [null, TEAM.id])
    }
})

const RETURNED = {
    'its return path': (token) => `Return-Path: <b-${token.toUpperCase()}@${RETURN_PATH}>`,
    'its unsubscribe address': (token) => `List-Unsubscribe: <mailto:u-${token}@${RETURN_PATH}>`,
    'a link of it': (token) => `List-Unsubscribe: <https://links.example/u/${token}>`,
}
for (const [what, field] of Object.entries(RETURNED)) {
    test(`a report to a role address is about the mail that it returns, known by ${what}`, async () => {
        const id = uuid()
        const forged = field('a'.repeat(40))
        await deliver(`bounces@${RETURN_PATH}`, `${DSN}\r\n${forged}\r\n${field(edge.token(id))}\r\n`)
        const event = await edge.webhook.event({ type: 'inbound', message_id: id })
        assert.deepEqual([event.recipient, event.team_id], [`bounces@${RETURN_PATH}`, TEAM.id])
    })
}

test('a forged token in a report to a role address makes it about no mail', async () => {
    const [role, forged] = [`abuse@${RETURN_PATH}`, 'a'.repeat(40)]
    await deliver(role, `Subject: Forged\r\n\r\nReturn-Path: <b-${forged}@${RETURN_PATH}>\r\n`)
    const { message_id } = await edge.webhook.event({ recipient: role, subject: 'Forged' })
    assert.equal(message_id, null)
})

test('postmaster of the edge itself is heard', async () => {
    await deliver('postmaster@mx.kibamail.test', DSN)
    const event = await edge.webhook.event({ type: 'inbound', recipient: 'postmaster@mx.kibamail.test' })
    assert.equal(event.team_id, null)
})

const UNKNOWN = {
    'a forged token': () => `b-${'a'.repeat(40)}@${RETURN_PATH}`,
    'a short token': () => `b-abc@${RETURN_PATH}`,
    'another prefix': () => edge.returnPathOf(MESSAGE_ID).replace(/^b-/, 'x-'),
    'somebody else': () => `ann@${RETURN_PATH}`,
    'postmaster of a domain that is not ours': () => 'postmaster@kb.other.example',
    'a stranger, by relay': () => 'ann@mailbox.example',
}
for (const [what, address] of Object.entries(UNKNOWN)) {
    test(`there is no such address: ${what}`, async () => {
        await assert.rejects(deliver(address(), DSN), {
            responseCode: 550,
            message: /5\.1\.1 No such address/,
        })
    })
}

test('of several recipients those that are known get it', async () => {
    const [one, two] = [uuid(), uuid()]
    const to = [edge.returnPathOf(one), 'nobody@mailbox.example', edge.returnPathOf(two)]
    const { accepted } = await deliver(to, DSN)
    assert.deepEqual(accepted, [to[0], to[2]])
    await edge.webhook.event({ type: 'inbound', message_id: one })
    await edge.webhook.event({ type: 'inbound', message_id: two })
})

test('a token in many cases and at many domains is one recipient, and one event', async () => {
    const id = uuid()
    const address = edge.returnPathOf(id)
    const client = await SmtpClient.connect(edge.ports.inbound)
    await client.send('EHLO mailbox.example')
    await client.send('MAIL FROM:<>')
    const spellings = [
        address,
        address.toUpperCase(),
        address.replace('@', '@x.'),
        address.replace('b-', 'B-'),
    ]
    for (const spelling of spellings) assert.match(await client.send(`RCPT TO:<${spelling}>`), /^250/)
    await client.send('DATA')
    client.write(DSN)
    assert.match(await client.send('.'), /^250 received/)
    client.end()
    const later = uuid()
    await deliver(edge.returnPathOf(later), DSN)
    await edge.webhook.event({ message_id: later })
    assert.equal(edge.webhook.events.filter(({ message_id: each }) => each === id).length, 1)
})

test('of one mail so many reports are taken an hour, and others have theirs', async () => {
    const id = uuid()
    const client = await SmtpClient.connect(edge.ports.inbound)
    await client.send('EHLO mailbox.example')
    const ask = async (of) => {
        await client.send('MAIL FROM:<>')
        const reply = await client.send(`RCPT TO:<${edge.returnPathOf(of)}>`)
        await client.send('RSET')
        return reply
    }
    for (let i = 0; i < 20; i++) assert.match(await ask(id), /^250/)
    assert.match(await ask(id), /^450 4\.7\.1 Too many mails/)
    assert.match(await ask(uuid()), /^250/)
    client.end()
})

test('a flood by strangers stops at half of the events that may wait, and leaves room for mail of teams', async () => {
    const own = await Edge.start({ KIBA_MAX_EVENT_BACKLOG_BYTES: 1 << 19, WEBHOOK_URL: 'http://127.0.0.1:9' })
    try {
        const stranger = await SmtpClient.connect(own.ports.inbound)
        await stranger.send('EHLO mailbox.example')
        const text = `Subject: x\r\n\r\n${'a line of it\r\n'.repeat(8000)}`
        const send = async () => {
            const reply = await stranger.send('MAIL FROM:<>')
            if (!reply.startsWith('250')) return reply
            await stranger.send(`RCPT TO:<${own.returnPathOf(uuid())}>`)
            await stranger.send('DATA')
            stranger.write(text)
            return stranger.send('.')
        }
        let reply
        do reply = await send()
        while (reply.startsWith('250'))
        assert.match(reply, /^452 4\.3\.1 /)
        stranger.end()
        const mail = { from: `ann@${DOMAIN}`, to: 'bob@mailbox.example', text: 'Hi' }
        assert.match((await own.team().sendMail(mail)).response, /^250 queued/)
    } finally {
        await own.stop()
    }
})

// SMTP smuggling: one side takes for the end of the mail what the other sends on as its text.
const SMUGGLED = {
    'a bare LF': 'Hello\nthere\r\n.\r\n',
    'LF . CRLF': 'Hello\n.\r\nMAIL FROM:<a@b.example>\r\n',
    'LF . LF': 'Hello\r\n\n.\nMAIL FROM:<a@b.example>\r\n',
    'CRLF . LF': 'Hello\r\n.\nMAIL FROM:<a@b.example>\r\n',
}
for (const [what, text] of Object.entries(SMUGGLED)) {
    test(`${what} in a mail is refused, and the connection closed`, async () => {
        const client = await SmtpClient.connect(edge.ports.inbound)
        await client.send('EHLO mailbox.example')
        await client.send('MAIL FROM:<>')
        await client.send(`RCPT TO:<${edge.returnPathOf(MESSAGE_ID)}>`)
        await client.send('DATA')
        client.write(`Subject: x\r\n\r\n${text}`)
        assert.match(await client.reply(), /^451 Bare line-feed/)
        assert.equal(await client.reply(), '')
    })
}

test("Haraka's own commands are not obeyed", async () => {
    const client = await SmtpClient.connect(edge.ports.inbound)
    assert.match(await client.send('INTERNALCMD gracefulShutdown'), /^501 /)
    client.end()
})
