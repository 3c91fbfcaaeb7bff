'use strict'

// What a submitter says of a mail in X-Kibamail- fields, by the real edge.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const { parseBatch } = require('../plugins/lib/batch_format')
const { newId } = require('../plugins/lib/ids')
const names = require('../plugins/lib/names')
const { SpoolFile } = require('../plugins/lib/spool_file')
const { documentOf } = require('../plugins/lib/submission_document')
const { DOMAIN, Edge, RETURN_PATH, SELECTOR, TEAM } = require('./support/edge')
const { waitFor } = require('./support/wait')

const MAX_BYTES = 200_000
const TRACKING_URL = 'http://127.0.0.1'
const HTML = '<p>Hello <a href="https://shop.example/?a=1">you</a></p>'
let edge

before(async () => (edge = await Edge.start({ KIBA_MAX_BATCH_BYTES: MAX_BYTES })))
after(() => edge.stop())

let next = 1
function mail({ headers, ...fields } = {}) {
    const to = `reader${next++}@mailbox.example`
    return {
        from: `Ann <ann@${DOMAIN}>`,
        to,
        subject: 'Hi',
        text: 'Hello',
        headers: headersOf(headers),
        ...fields,
    }
}

const headersOf = (options = {}) =>
    Object.fromEntries(Object.entries(options).map(([name, value]) => [`X-Kibamail-${name}`, value]))

const submit = (message, options) => edge.team(options).sendMail(message)

async function delivered(message) {
    await submit(message)
    const { raw } = await edge.mailbox.mailTo(message.to)
    return raw.toString()
}

test('tag and metadata are in all events of the mail, over its retries too, and do not leave', async () => {
    const message = mail({
        headers: { Tag: 'welcome Größe', Metadata: '{"order": 17, "vip": true, "who": "Änn"}' },
    })
    edge.mailbox.answer(message.to, (attempt) => attempt === 1 && [451, '4.7.1 greylisted'])
    const raw = await delivered(message)
    for (const type of ['accepted', 'deferred', 'delivered']) {
        const { tag, metadata, stream } = await edge.webhook.event({ type, recipient: message.to })
        assert.equal(tag, 'welcome Größe')
        assert.deepEqual(metadata, { order: '17', vip: 'true', who: 'Änn' })
        assert.equal(stream, 'transactional')
    }
    assert.doesNotMatch(raw, /X-Kibamail-(?!Message-ID)/)
    const other = mail()
    await delivered(other)
    assert.equal('tag' in (await edge.webhook.event({ type: 'delivered', recipient: other.to })), false)
})

test('a mail of the broadcast stream is never sent twice, though it was submitted', async () => {
    const message = mail({ headers: { Stream: 'broadcast' } })
    await edge.mailbox.serve('lost.example', loseConnectionsAtTheDot)
    message.to = 'ann@lost.example'
    await submit(message)
    const { stream } = await edge.webhook.event({ type: 'unknown', recipient: message.to })
    assert.equal(stream, 'broadcast')
})

function loseConnectionsAtTheDot(socket) {
    let inText = false
    socket.write('220 hello\r\n')
    socket.on('data', (data) => {
        if (inText && data.toString('latin1').endsWith('\r\n.\r\n')) socket.destroy()
        else if (!inText) {
            inText = data.toString().includes('DATA')
            socket.write(inText ? '354 go\r\n' : '250 ok\r\n')
        }
    })
}

const WRONG = {
    'a field that is none of ours': [{ Tags: 'x' }, /x-kibamail-tags is no field of ours.*X-Kibamail-Tag/],
    'a tag that is too long': [{ Tag: 'x'.repeat(101) }, /X-Kibamail-Tag must be one line of 1 to 100/],
    'metadata that is no JSON': [{ Metadata: '{order: 1}' }, /X-Kibamail-Metadata is not JSON/],
    'metadata that is no object': [{ Metadata: '[1]' }, /X-Kibamail-Metadata must be a JSON object/],
    'metadata in metadata': [{ Metadata: '{"a": {"b": 1}}' }, /X-Kibamail-Metadata .* in a$/],
    'metadata of a strange name': [{ Metadata: '{"a b": 1}' }, /X-Kibamail-Metadata must have names/],
    'an unknown stream': [{ Stream: 'bulk' }, /X-Kibamail-Stream must be transactional or broadcast/],
    'an unknown way to track': [{ Track: 'all' }, /X-Kibamail-Track must be opens, clicks/],
    'a key with a blank': [{ 'Idempotency-Key': 'a b' }, /X-Kibamail-Idempotency-Key must have 1 to 255/],
    'a moment without its offset': [{ 'Send-At': '2026-12-01T09:00:00' }, /X-Kibamail-Send-At .*offset/],
    'a moment that is none': [{ 'Send-At': '2026-13-01T09:00:00Z' }, /X-Kibamail-Send-At .*offset/],
    'a moment too far away': [
        { 'Send-At': '2999-01-01T00:00:00Z' },
        /X-Kibamail-Send-At must be within 7 days/,
    ],
}
for (const [what, [headers, message]] of Object.entries(WRONG)) {
    test(`${what} is refused by the field's name`, async () => {
        await assert.rejects(submit(mail({ headers })), { responseCode: 550, message })
    })
}

test('a field that is there twice is refused by its name', async () => {
    const message = mail({ headers: { Tag: ['one', 'two'] } })
    await assert.rejects(submit(message), { responseCode: 550, message: /X-Kibamail-Tag must be there once/ })
})

async function isSignedWell(raw) {
    const resolver = async () => [[`v=DKIM1; p=${edge.keys.publicKey.toString('base64')}`]]
    const { results } = await dkimVerify(raw, { resolver })
    return results.length === 1 && results[0].status.result === 'pass' && results[0].selector === SELECTOR
}

const PIXEL = /\/o\/\w{40}\.gif/

/** Without the soft line ends of quoted-printable. */
const unwrapped = (raw) => raw.toString().replace(/=\r\n/g, '')

test('what is followed has tokens of its own for each recipient, and a good signature', async () => {
    const to = ['one@track-a.example', 'two@track-b.example', 'three@track-b.example']
    const message = { ...mail({ html: HTML, headers: { Track: 'opens, clicks' } }), to: to.join(', ') }
    await submit(message)
    const tokens = new Set()
    for (const recipient of to) {
        const { raw } = await edge.mailbox.mailTo(recipient)
        const { message_id: id } = await edge.webhook.event({ type: 'delivered', recipient })
        const token = edge.token(id)
        const text = unwrapped(raw)
        assert.match(text, new RegExp(`href=(3D)?"${TRACKING_URL}/c/${token}/0/[\\w-]+"`))
        assert.match(text, new RegExp(`src=(3D)?"${TRACKING_URL}/o/${token}\\.gif"`))
        assert.match(text, new RegExp(`^${names.HEADER_MESSAGE_ID}: ${id}\r$`, 'm'))
        assert.ok(await isSignedWell(raw))
        tokens.add(token)
    }
    assert.equal(tokens.size, 3)
})

test('a large mail to many is not written for each of them', async () => {
    const html = `${HTML}<!-- ${'x'
        .repeat(70)
        .concat('\n')
        .repeat(MAX_BYTES / 140)} -->`
    const message = mail({ html, headers: { Track: 'opens' } })
    const [one, other] = ['ann@large-a.example', 'bob@large-b.example']
    await submit({ ...message, to: `${one}, ${other}` })
    const isFollowed = async (to) => PIXEL.test(unwrapped((await edge.mailbox.mailTo(to)).raw))
    assert.deepEqual(await Promise.all([one, other].map(isFollowed)), [false, false])
    await submit(message)
    assert.equal(await isFollowed(message.to), true)
})

test('a domain that asks for it has its mail followed, unless the mail says no', async () => {
    await edge.redis.client.hset(names.domainKey(DOMAIN), { track_opens: 1, track_clicks: 0 })
    const follows = async (headers) => PIXEL.test(unwrapped(await delivered(mail({ html: HTML, headers }))))
    await waitFor(() => follows(), 'the edge to read the record anew')
    assert.equal(await follows({ Track: 'none' }), false)
    await edge.redis.client.hdel(names.domainKey(DOMAIN), 'track_opens', 'track_clicks')
})

/** Without the number of the transaction, which Haraka puts behind it. */
const answerOf = ({ response }) => response.replace(/ \(.*\)$/, '')

test('the same idempotency key answers as at first, and sends nothing more', async () => {
    const headers = { 'Idempotency-Key': 'order-17' }
    const message = mail({ headers })
    const [first, second] = [await submit(message), await submit({ ...message, text: 'Again' })]
    assert.equal(answerOf(second), answerOf(first))
    const another = mail({ headers })
    await submit({ ...message, to: `${message.to}, ${another.to}` })
    for (const recipient of [message.to, another.to])
        await edge.webhook.event({ type: 'delivered', recipient })
    assert.equal(edge.mailbox.mailsTo(message.to).length, 1)
    assert.equal(edge.webhook.events.filter(({ recipient }) => recipient === message.to).length, 2)
    const [key] = await edge.redis.client.keys(names.submissionClaimKey(TEAM.id, '*'))
    assert.ok(Math.abs((await edge.redis.client.ttl(key)) - 24 * 3600) < 60)
})

test('many submissions with one key at the same time send one mail', async () => {
    const message = mail({ headers: { 'Idempotency-Key': 'order-18' } })
    await Promise.all(Array.from({ length: 6 }, () => submit(message)))
    await edge.webhook.event({ type: 'delivered', recipient: message.to })
    const last = mail()
    await delivered(last)
    assert.equal(edge.mailbox.mailsTo(message.to).length, 1)
})

test('a key whose mail was refused is free for a better one', async () => {
    const headers = { 'Idempotency-Key': 'order-19' }
    await assert.rejects(submit(mail({ headers, from: 'ceo@bank.example' })), { responseCode: 550 })
    assert.match(await delivered(mail({ headers })), /Hello/)
})

test('a mail that was on disk, and not claimed yet, when its edge died is sent unless another edge has its key', async () => {
    const [free, taken] = ['free', 'taken'].map((digest) => ({
        digest,
        messageId: newId(),
        recipient: `${digest}@mailbox.example`,
        claimKey: names.submissionClaimKey(TEAM.id, digest),
        smtputf8: false,
    }))
    await edge.kill()
    for (const each of [free, taken]) await spool({ ...each, sender: edge.returnPathOf(each.messageId) })
    await edge.redis.client.set(taken.claimKey, `${newId()}:edge-2:${newId()}`)
    await edge.launch()
    await edge.webhook.event({ type: 'delivered', recipient: free.recipient })
    await waitFor(async () => (await edge.metric('kibamail_spooled_mails')) === 0, 'an empty spool')
    const told = edge.webhook.events.filter(
        ({ message_id: id }) => id === taken.messageId || id === free.messageId,
    )
    assert.deepEqual(
        told.map(({ type, message_id: id }) => [type, id]),
        ['accepted', 'delivered'].map((type) => [type, free.messageId]),
    )
    assert.equal(edge.mailbox.mailsTo(taken.recipient).length, 0)
})

/** A mail of the team as the edge has it on disk. */
async function spool(mail) {
    const document = documentOf({
        id: newId(),
        teamId: TEAM.id,
        domain: DOMAIN,
        returnPath: RETURN_PATH,
        submitter: '',
        signed: false,
        subject: 'Hi',
        text: [Buffer.from(`From: ann@${DOMAIN}\r\n\r\nHello\r\n`)],
        mails: [mail],
    })
    const file = new SpoolFile(path.join(edge.home, 'mails', `${newId()}.spool`))
    await file.append([parseBatch(document)])
    await file.close()
}

test('a mail waits for its moment over a restart, and a flush of the queue', async () => {
    const at = Date.now() + 4000
    const message = mail({ headers: { 'Send-At': new Date(at).toISOString() } })
    await submit(message)
    await waitFor(
        () => edge.metric('kibamail_queue').then((waiting) => waiting === 1),
        'the mail in the queue',
    )
    await edge.kill()
    await edge.launch()
    edge.process.kill('SIGHUP')
    const { raw } = await edge.mailbox.mailTo(message.to)
    assert.ok(Date.now() >= at, 'not before its moment')
    assert.ok(await isSignedWell(raw))
    assert.equal(edge.mailbox.mailsTo(message.to).length, 1)
})

test('a moment that is over is now', async () => {
    assert.match(await delivered(mail({ headers: { 'Send-At': '2020-01-01 09:00:00+01:00' } })), /Hello/)
})

/** Another API key of the team; `words` as sidecars/accounts/scopes.py writes them. */
async function keyWith(words) {
    const pass = `key with ${words}`
    const digest = createHash('sha256').update(pass).digest('hex')
    await edge.redis.client.hset(names.teamKey(TEAM.id), `key:${digest}`, `71 ${words}`)
    return { auth: { user: String(TEAM.id), pass } }
}

test('a key of one domain sends from no other', async () => {
    await submit(mail(), await keyWith(`send_only domain:${DOMAIN}`))
    const submitting = submit(mail(), await keyWith('send_only domain:other.example'))
    await assert.rejects(submitting, { responseCode: 550, message: /other\.example only, and not from/ })
})

test('a key of one stream sends on it by itself, and on no other', async () => {
    const key = await keyWith('send_only stream:broadcast')
    const message = mail()
    await submit(message, key)
    assert.equal((await edge.webhook.event({ recipient: message.to })).stream, 'broadcast')
    const submitting = submit(mail({ headers: { Stream: 'transactional' } }), key)
    await assert.rejects(submitting, { responseCode: 550, message: /broadcast stream only/ })
})

test('mail of a team that is out of credits is put off', async () => {
    const team = 13
    const record = await edge.redis.client.hgetall(names.teamKey(TEAM.id))
    const told = { domains: 'thirteen.example', out_of_credits: 'The team has used its credits' }
    await edge.redis.client.hset(names.teamKey(team), { ...record, ...told })
    await edge.redis.client.hset(names.domainKey('thirteen.example'), {
        ...(await edge.redis.client.hgetall(names.domainKey(DOMAIN))),
        team_id: team,
    })
    const key = { auth: { user: String(team), pass: TEAM.apiKey } }
    const submitting = submit(mail({ from: 'ann@thirteen.example' }), key)
    await assert.rejects(submitting, { responseCode: 452, message: /4\.7\.1 The team has used its credits/ })
})

test('a team has so many recipients an hour, and what was refused does not count', async () => {
    const team = 12
    const record = await edge.redis.client.hgetall(names.teamKey(TEAM.id))
    await edge.redis.client.hset(names.teamKey(team), { ...record, recipients_an_hour: 3 })
    await edge.redis.client.hset(names.domainKey('twelve.example'), {
        ...(await edge.redis.client.hgetall(names.domainKey(DOMAIN))),
        team_id: team,
    })
    await edge.redis.client.hset(names.teamKey(team), 'domains', 'twelve.example')
    const from = 'ann@twelve.example'
    const key = { auth: { user: String(team), pass: TEAM.apiKey } }
    const refused = {
        responseCode: 450,
        message: /4\.7\.1 Team 12 may have 3 recipients an hour; .* minutes/,
    }
    await submit({ ...mail({ from }), to: 'a@one.example, b@one.example' }, key)
    await assert.rejects(submit({ ...mail({ from }), to: 'c@one.example, d@one.example' }, key), refused)
    const headers = { 'Idempotency-Key': 'order-20' }
    const message = mail({ from, headers })
    await submit(message, key)
    await assert.rejects(submit(message, key), refused)
    const [count] = await edge.redis.client.keys(names.recipientsKey(team, '*'))
    assert.equal(await edge.redis.client.get(count), '3')
})
