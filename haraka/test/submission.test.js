'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const names = require('../plugins/lib/names')
const { DOMAIN, Edge, RETURN_PATH, SELECTOR, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')
const { SmtpServer } = require('./support/smtp_server')
const { waitFor } = require('./support/wait')

const MAX_BYTES = 200_000
let edge

before(async () => {
    edge = await Edge.start({ KIBA_MAX_MAIL_BYTES: MAX_BYTES, KIBA_MAX_RECIPIENTS: 3 })
})
after(() => edge.stop())

let nextRecipient = 1
/** A mail of the team to somebody who gets no other. */
function mail(fields) {
    const to = `reader${nextRecipient++}@mailbox.example`
    return { from: `Ann <ann@${DOMAIN}>`, to, subject: 'Hi', text: 'Hello', ...fields }
}

async function sent(fields) {
    const message = mail(fields)
    await edge.team().sendMail(message)
    return edge.mailbox.mailTo(message.to)
}

/** A mail exactly as it is written, in one transaction. */
async function submitRaw(raw, recipient) {
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    await client.send(`MAIL FROM:<ann@${DOMAIN}>`)
    await client.send(`RCPT TO:<${recipient ?? mail().to}>`)
    await client.send('DATA')
    client.write(raw)
    const reply = await client.send('.')
    client.end()
    return reply
}

const headersOf = (raw) => raw.toString().split('\r\n\r\n', 1)[0]

test('a submitted mail arrives signed, as an independent implementation finds', async () => {
    const { raw } = await sent({ html: '<p>Grüße</p>', subject: 'Grüße aus Köln' })
    const resolver = async (name) => {
        assert.equal(name, `${SELECTOR}._domainkey.${DOMAIN}`)
        return [[`v=DKIM1; p=${edge.keys.publicKey.toString('base64')}`]]
    }
    const { results } = await dkimVerify(raw, { resolver })
    assert.equal(results[0].status.result, 'pass')
    assert.equal(results[0].signingDomain, DOMAIN)
})

test('its envelope sender is a return path of ours, and its header says its id', async () => {
    const { from, raw } = await sent()
    const id = new RegExp(`^${names.HEADER_MESSAGE_ID}: (.*)$`, 'm').exec(raw)[1].trim()
    assert.equal(from, edge.returnPathOf(id))
    assert.match(from, new RegExp(`@${RETURN_PATH}$`))
})

test('each recipient has an id and events of its own, and those of one provider share a mail', async () => {
    const message = mail({ to: 'a@one.example, b@two.example', bcc: 'c@two.example' })
    const { response } = await edge.team().sendMail(message)
    assert.match(response, /^250 queued/)
    const recipients = ['a@one.example', 'b@two.example', 'c@two.example']
    const told = (type) => Promise.all(recipients.map((recipient) => edge.webhook.event({ type, recipient })))
    const accepted = await told('accepted')
    const delivered = await told('delivered')
    assert.equal(new Set(accepted.map(({ message_id: id }) => id)).size, 3)
    assert.equal(new Set(accepted.map(({ queue_id: id }) => id)).size, 1)
    recipients.forEach((_, i) => {
        const { message_id: id, queue_id: queueId, team_id: team, stream, subject } = accepted[i]
        assert.deepEqual([delivered[i].message_id, delivered[i].queue_id], [id, queueId])
        assert.deepEqual([team, stream, subject], [TEAM.id, 'transactional', 'Hi'])
        const order = edge.webhook.events.indexOf(accepted[i]) < edge.webhook.events.indexOf(delivered[i])
        assert.ok(order, 'accepted comes first')
    })
    const [toOne, toTwo] = [edge.mailbox.mailsTo('a@one.example'), edge.mailbox.mailsTo('b@two.example')]
    assert.deepEqual([toOne.length, toTwo.length], [1, 1])
    assert.deepEqual(toTwo[0].to, ['b@two.example', 'c@two.example'])
    assert.equal(toOne[0].from, edge.returnPathOf(accepted[0].message_id))
    assert.equal(toTwo[0].from, edge.returnPathOf(accepted[1].message_id))
    assert.deepEqual(
        delivered.map(({ envelope_sender: sender }) => sender),
        [toOne[0].from, toTwo[0].from, toTwo[0].from],
    )
})

test('a recipient that is named twice gets one mail', async () => {
    const { to } = mail()
    await edge.team().sendMail({ ...mail(), to, envelope: { from: `ann@${DOMAIN}`, to: [to, to] } })
    await edge.webhook.event({ type: 'delivered', recipient: to })
    assert.equal(
        edge.webhook.events.filter(({ type, recipient }) => type === 'accepted' && recipient === to).length,
        1,
    )
})

test('Bcc and what only we may write do not leave', async () => {
    const { to } = mail()
    const raw = [
        `From: ann@${DOMAIN}`,
        `To: ${to}`,
        'Bcc: secret@mailbox.example',
        `${names.HEADER_MESSAGE_ID}: forged`,
        `${names.HEADER_BROADCAST_ID}: 1`,
        'Authentication-Results: mx.kibamail.test; dkim=pass',
        'Return-Path: <x@y.example>',
        '',
        'Hello\r\n',
    ].join('\r\n')
    assert.match(await submitRaw(raw, to), /^250 /)
    const headers = headersOf((await edge.mailbox.mailTo(to)).raw)
    assert.doesNotMatch(headers, /secret|forged|Broadcast|Authentication-Results|Return-Path/)
})

test('Date and Message-ID are added where they are missing, and signed', async () => {
    const { to } = mail()
    await submitRaw(`From: ann@${DOMAIN}\r\n\r\nHello\r\n`, to)
    const headers = headersOf((await edge.mailbox.mailTo(to)).raw)
    assert.match(headers, /^Date: \w{3}, \d{2} \w{3} \d{4} [\d:]{8} \+0000$/m)
    assert.match(headers, new RegExp(`^Message-ID: <[0-9a-f-]{36}@${DOMAIN}>$`, 'm'))
    assert.match(headers.replace(/\r\n\t/g, ''), /h=[^;]*Date:Date:[^;]*Message-ID:Message-ID:/)
})

test('a Date and a Message-ID of the sender stay', async () => {
    const { raw } = await sent({ messageId: '<mine@acme.example>', date: new Date(0) })
    assert.match(headersOf(raw), /^Message-ID: <mine@acme\.example>$/m)
    assert.match(headersOf(raw), /^Date: Thu, 01 Jan 1970/m)
})

test('a foreign From domain is refused by its name, with those that are verified', async () => {
    const submitting = edge.team().sendMail(mail({ from: 'ceo@bank.example' }))
    await assert.rejects(submitting, {
        responseCode: 550,
        message: /5\.7\.1 bank\.example .*Verified: news\.acme\.example/,
    })
})

const ALIKE = {
    'a subdomain': `sub.${DOMAIN}`,
    'Cyrillic letters': DOMAIN.replace('acme', '\u0430cme'),
    'the same by A-labels': 'news.xn--cme-7cd.example',
    'an invisible character': DOMAIN.replace('acme', 'ac\u200dme'),
    'a domain that begins with it': `${DOMAIN}.evil.example`,
    'a domain in front of it': `evil.example@${DOMAIN}.evil.example`,
}
for (const [what, domain] of Object.entries(ALIKE)) {
    test(`what looks like a verified domain is foreign: ${what}`, async () => {
        const reply = await submitRaw(`From: Ann <ann@${domain}>\r\n\r\nHello\r\n`)
        assert.match(reply, /^550 5\.(7\.1|6\.0) /)
    })
}

test("a domain that is another team's by its record is not signed for", async () => {
    await edge.redis.client.hset(names.domainKey('stolen.example'), {
        ...(await edge.redis.client.hgetall(names.domainKey(DOMAIN))),
        team_id: 8,
    })
    const auth = await otherTeam(10, 'stolen.example')
    const submitting = edge.team({ auth }).sendMail(mail({ from: 'ann@stolen.example' }))
    await assert.rejects(submitting, { responseCode: 451, message: /4\.7\.5/ })
})

test('a domain without a signing key waits for it', async () => {
    const auth = await otherTeam(9, 'new.example')
    const submitting = edge.team({ auth }).sendMail(mail({ from: 'ann@new.example' }))
    await assert.rejects(submitting, {
        responseCode: 451,
        message: /4\.7\.5 new\.example has no signing key/,
    })
})

test('a stream that stopped itself is put off with its figures, and the other one flows', async () => {
    const auth = await otherTeam(11, 'stopped.example')
    const why =
        'The transactional stream stopped itself: 7.4% of mails bounced hard (74 of 1000, the limit is 5 %)'
    await edge.redis.client.hset(names.teamKey(11), 'stopped:transactional', why)
    await edge.redis.client.hset(names.domainKey('stopped.example'), {
        ...(await edge.redis.client.hgetall(names.domainKey(DOMAIN))),
        team_id: 11,
    })
    const submit = (fields) => edge.team({ auth }).sendMail(mail({ from: 'ann@stopped.example', ...fields }))
    await assert.rejects(submit(), { responseCode: 450, response: `450 4.7.1 ${why}` })
    const { response } = await submit({ headers: { [names.HEADER_STREAM]: 'broadcast' } })
    assert.match(response, /^250 queued/)
})

/** A team with the same API key and one verified domain. */
async function otherTeam(id, domains) {
    const record = await edge.redis.client.hgetall(names.teamKey(TEAM.id))
    await edge.redis.client.hset(names.teamKey(id), { ...record, domains })
    return { user: String(id), pass: TEAM.apiKey }
}

const BAD_FROM = {
    'no From': 'To: x@y.example',
    'two Froms': `From: ann@${DOMAIN}\r\nFrom: bob@${DOMAIN}`,
    'two addresses in From': `From: ann@${DOMAIN}, bob@${DOMAIN}`,
    'a From without a domain': 'From: ann',
    'an empty From': 'From:',
    'a header line without a name': `From: ann@${DOMAIN}\r\nHello, Bob`,
}
for (const [what, headers] of Object.entries(BAD_FROM)) {
    test(`a mail with ${what} is refused`, async () => {
        assert.match(await submitRaw(`${headers}\r\n\r\nHello\r\n`), /^550 5\.6\.0 /)
    })
}

test('a line above 998 characters is refused rather than broken', async () => {
    const reply = await submitRaw(`From: ann@${DOMAIN}\r\n\r\n${'x'.repeat(1200)}\r\n`)
    assert.match(reply, /^550 5\.6\.0 .*998/)
})

for (const [what, text] of Object.entries({
    'LF alone': 'Hello\nthere\r\n',
    'CR alone': 'Hello\rthere\r\n',
    NUL: 'Hello\0there\r\n',
})) {
    test(`a mail with ${what} is refused, and the connection goes on`, async () => {
        const client = await SmtpClient.connect(edge.ports.submission)
        await client.login(TEAM.id, TEAM.apiKey)
        const { to } = mail()
        for (const [body, reply] of [
            [text, /^550 5\.6\.0 /],
            ['Hello\r\n', /^250 queued/],
        ]) {
            await client.send(`MAIL FROM:<ann@${DOMAIN}>`)
            await client.send(`RCPT TO:<${to}>`)
            await client.send('DATA')
            client.write(`From: ann@${DOMAIN}\r\n\r\n${body}`)
            assert.match(await client.send('.'), reply)
        }
        client.end()
    })
}

test('only CRLF . CRLF ends a mail: what looks like another one behind it is text, and refused with it', async () => {
    const smuggled = `\n.\r\nMAIL FROM:<ann@${DOMAIN}>\r\nRCPT TO:<smuggled@mailbox.example>\r\nDATA\r\n`
    const reply = await submitRaw(`From: ann@${DOMAIN}\r\n\r\nHello${smuggled}From: ann@${DOMAIN}\r\n\r\n`)
    assert.match(reply, /^550 5\.6\.0 /)
    assert.equal(edge.mailbox.attempts.includes('smuggled@mailbox.example'), false)
})

test('replies to commands that come together come together, and in order', async () => {
    const { to } = mail()
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    const packets = []
    client.socket.on('data', (data) => packets.push(data.toString()))
    client.write(`MAIL FROM:<ann@${DOMAIN}>\r\nRCPT TO:<${to}>\r\nRCPT TO:<nobody>\r\nDATA\r\n`)
    const codes = []
    for (let i = 0; i < 4; i++) codes.push((await client.reply()).slice(0, 3))
    assert.deepEqual(codes, ['250', '250', '501', '354'])
    assert.equal(packets.length, 1)
    client.write(`From: ann@${DOMAIN}\r\n\r\nHello\r\n`)
    assert.match(await client.send('.'), /^250 queued/)
    client.end()
})

test('a text that comes before 354 is read all the same', async () => {
    const { to } = mail()
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    await client.send(`MAIL FROM:<ann@${DOMAIN}>`)
    await client.send(`RCPT TO:<${to}>`)
    client.write('DATA\r\n')
    client.write(`From: ann@${DOMAIN}\r\n\r\nToo early\r\n.\r\n`)
    assert.match(await client.reply(), /^354 /)
    assert.match(await client.reply(), /^250 queued/)
    client.end()
    assert.match((await edge.mailbox.mailTo(to)).raw.toString(), /Too early/)
})

/** How one submitted mail ended at a server with these extensions, and what that server heard. */
async function relayed(domain, { extensions, mailParameters, raw }) {
    const server = new SmtpServer({ host: `127.0.0.${nextHost++}`, port: edge.mailbox.smtpPort })
    server.extensions = extensions
    await server.start()
    edge.mailbox.zones.set(`mx.${domain}`, server.host)
    const recipient = `ann@${domain}`
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    await client.send(`MAIL FROM:<ann@${DOMAIN}>${mailParameters}`)
    await client.send(`RCPT TO:<${recipient}>`)
    await client.send('DATA')
    client.write(raw)
    assert.match(await client.send('.'), /^250 queued/)
    client.end()
    const isOver = ({ recipient: to, type }) => to === recipient && ['delivered', 'bounced'].includes(type)
    const told = await waitFor(() => edge.webhook.events.find(isOver), `the end of a mail to ${recipient}`)
    await server.stop()
    return { told, command: server.commands.find((line) => line.startsWith('MAIL')), text: server.texts[0] }
}

let nextHost = 40
const UTF8_HEADER = `From: Jörg <ann@${DOMAIN}>\r\nSubject: Grüße\r\n\r\nSchön\r\n`

test('a header in UTF-8 goes by SMTPUTF8, and nowhere else if its submitter said so', async () => {
    const mail = { mailParameters: ' BODY=8BITMIME SMTPUTF8', raw: UTF8_HEADER }
    const able = await relayed('able.example', { ...mail, extensions: ['8BITMIME', 'SMTPUTF8'] })
    assert.equal(able.told.type, 'delivered')
    assert.match(able.command, / BODY=8BITMIME SMTPUTF8$/)
    assert.match(able.text, /Subject: Grüße\r\n/)
    const unable = await relayed('unable.example', { ...mail, extensions: ['8BITMIME'] })
    assert.deepEqual([unable.told.type, unable.told.enhanced], ['bounced', '5.6.9'])
})

test('a text of 8 bits goes as it is, and as 8BITMIME', async () => {
    const raw = `From: ann@${DOMAIN}\r\n\r\nSchön ☕\r\n`
    const { told, command, text } = await relayed('eight.example', {
        mailParameters: ' BODY=8BITMIME',
        extensions: ['8BITMIME'],
        raw,
    })
    assert.equal(told.type, 'delivered')
    assert.match(command, / BODY=8BITMIME$/)
    assert.match(text, /\r\n\r\nSchön ☕$/)
})

test('a header section alone is a mail', async () => {
    const { to } = mail()
    assert.match(await submitRaw(`From: ann@${DOMAIN}\r\nSubject: short\r\n`, to), /^250 queued/)
    assert.match(headersOf((await edge.mailbox.mailTo(to)).raw), /^Subject: short$/m)
})

test('lines with a dot in front arrive as they were', async () => {
    const { to } = mail()
    await submitRaw(`From: ann@${DOMAIN}\r\n\r\n..one\r\n...two\r\nthree\r\n`, to)
    const { raw } = await edge.mailbox.mailTo(to)
    assert.ok(raw.toString().endsWith('\r\n\r\n.one\r\n..two\r\nthree\r\n'))
})

test('an oversized mail is refused by both sizes, before its text where it is announced', async () => {
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    const reply = await client.send(`MAIL FROM:<ann@${DOMAIN}> SIZE=${MAX_BYTES + 1}`)
    assert.match(reply, /^552 5\.3\.4 .*200001 bytes.*200000/)
    client.end()
})

test('an oversized mail is refused by both sizes, after its text where it is not', async () => {
    const reply = await submitRaw(`From: ann@${DOMAIN}\r\n\r\n${'line\r\n'.repeat(40_000)}`)
    assert.match(reply, /^552 5\.3\.4 The mail has 24\d{4} bytes; the limit is 200000$/)
})

test('a connection goes on after a refusal', async () => {
    const transport = edge.team({ pool: true, maxConnections: 1 })
    await assert.rejects(transport.sendMail(mail({ from: 'ceo@bank.example' })))
    const { response } = await transport.sendMail(mail())
    assert.match(response, /^250 /)
    transport.close()
})

test('a recipient that mail cannot go to is refused by itself, and the others get it', async () => {
    const { to } = mail()
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    await client.send(`MAIL FROM:<ann@${DOMAIN}>`)
    for (const recipient of ['ann@[127.0.0.1]', '"a b"@mailbox.example', 'postmaster']) {
        assert.match(await client.send(`RCPT TO:<${recipient}>`), /^5\d\d /)
    }
    assert.match(await client.send(`RCPT TO:<${to}>`), /^250 /)
    await client.send('DATA')
    client.write(`From: ann@${DOMAIN}\r\n\r\nHello\r\n`)
    assert.match(await client.send('.'), /^250 queued/)
    client.end()
    assert.deepEqual((await edge.mailbox.mailTo(to)).to, [to])
})

test('more recipients than one mail may have are refused, and the others get it', async () => {
    const recipients = Array.from({ length: 4 }, (_, i) => `many${i}@mailbox.example`)
    const { accepted, rejectedErrors } = await edge
        .team()
        .sendMail({ ...mail(), envelope: { from: `ann@${DOMAIN}`, to: recipients } })
    assert.deepEqual(accepted, recipients.slice(0, 3))
    assert.match(rejectedErrors[0].response, /^452 4\.5\.3 .*3 at most/)
})
