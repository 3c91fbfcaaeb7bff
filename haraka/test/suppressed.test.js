'use strict'

// Mail to addresses that the team must not write to, by the real edge and a real Redis.

const assert = require('node:assert/strict')
const { createHash, createHmac } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, beforeEach, test } = require('node:test')

const names = require('../plugins/lib/names')
const { Suppressed } = require('../plugins/lib/suppressed')
const { DOMAIN, Edge, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')

const KEY = names.suppressedKey(TEAM.id)
const FROM = `ann@${DOMAIN}`
const OF_A_STREAM = 'broadcast unsubscribe 2026-11-03'
let edge
let nextRecipient = 1

before(async () => (edge = await Edge.start({ KIBA_RETRY_SCHEDULE: '1h*3' })))
beforeEach(() => edge.redis.client.del(KEY))
after(() => edge.stop())

/** As sidecars/edge/suppressed.py writes it. */
function suppress(address, entry, teamId = TEAM.id) {
    const hmac = createHmac('sha256', edge.secrets.TOKEN_SECRET).update(`erased address\0${address}`)
    const field = hmac.digest().subarray(0, 8).toString('base64url')
    return edge.redis.client.hset(names.suppressedKey(teamId), field, entry)
}

/** @returns {Promise<string[]>} the replies to each recipient, and to the text where any was taken */
async function submit(recipients, { stream, apiKey = TEAM.apiKey } = {}) {
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, apiKey)
    await client.send(`MAIL FROM:<${FROM}>`)
    const replies = []
    for (const recipient of recipients) replies.push(await client.send(`RCPT TO:<${recipient}>`))
    if (replies.some((reply) => reply.startsWith('250'))) {
        await client.send('DATA')
        const said = stream ? `${names.HEADER_STREAM}: ${stream}\r\n` : ''
        client.write(`From: ${FROM}\r\n${said}\r\nHello\r\n`)
        replies.push(await client.send('.'))
    }
    client.end()
    return replies
}

const somebody = () => `reader${nextRecipient++}@mailbox.example`

test('a suppressed recipient is refused with reason and date, however it is spelled, and the others get the mail', async () => {
    const other = somebody()
    await suppress('gone@mailbox.example', 'all hard_bounce 2026-11-03')
    const replies = await submit(['Gone@Mailbox.EXAMPLE', other])
    const text =
        'Gone@Mailbox.EXAMPLE is suppressed for team 7: hard_bounce since 2026-11-03; see GET /v1/suppressions'
    assert.equal(replies[0], `550 5.7.1 ${text}`)
    assert.match(replies[2], /^250 queued/)
    assert.deepEqual((await edge.mailbox.mailTo(other)).to, [other])
    assert.equal(edge.webhook.events.filter(({ recipient }) => /^gone@/i.test(recipient)).length, 0)
})

test('of an erased address no more is told than that it is suppressed', async () => {
    await suppress('erased@mailbox.example', 'all erased')
    const [reply] = await submit(['erased@mailbox.example'])
    assert.equal(reply, '550 5.7.1 erased@mailbox.example is suppressed for team 7')
})

test('who unsubscribed gets transactional mail, and none that says it is of the broadcast stream', async () => {
    const gone = somebody()
    await suppress(gone, OF_A_STREAM)
    assert.match((await submit([gone]))[1], /^250 queued/)
    await edge.mailbox.mailTo(gone)
    const [, alone] = await submit([gone], { stream: 'broadcast' })
    const text = `${gone} is suppressed for broadcast mail of team 7: unsubscribe since 2026-11-03; see GET /v1/suppressions`
    assert.equal(alone, `550 5.7.1 ${text}`)
})

test('a mail of a stream with some who are suppressed there goes to nobody, and its submitter is told', async () => {
    const [gone, too, other] = [somebody(), somebody(), somebody()]
    await suppress(gone, OF_A_STREAM)
    await suppress(too, OF_A_STREAM)
    const replies = await submit([other, gone, too], { stream: 'broadcast' })
    assert.deepEqual(
        replies.map((reply) => reply.slice(0, 3)),
        ['250', '250', '250', '550'],
    )
    assert.match(
        replies[3],
        new RegExp(`${gone} .*\\(and 1 more of its recipients\\): unsubscribe since .*others`),
    )
    assert.match((await submit([other], { stream: 'broadcast' }))[1], /^250 queued/)
    await edge.mailbox.mailTo(other)
    assert.equal(edge.mailbox.mailsTo(other).length, 1)
    assert.equal(edge.mailbox.mailsTo(gone).length, 0)
})

test('a key of one stream is refused at the recipient, and where each stream has its own suppression any key is', async () => {
    const apiKey = 'kiba_test_key_of_broadcasts'
    const field = `key:${createHash('sha256').update(apiKey).digest('hex')}`
    await edge.redis.client.hset(names.teamKey(TEAM.id), field, '71 stream:broadcast')
    await suppress('gone@mailbox.example', OF_A_STREAM)
    assert.match((await submit(['gone@mailbox.example'], { apiKey }))[0], /^550 5\.7\.1 .* unsubscribe/)
    await suppress('gone@mailbox.example', `${OF_A_STREAM},transactional manual 2026-11-04`)
    assert.match((await submit(['gone@mailbox.example']))[0], /^550 5\.7\.1 .* manual since 2026-11-04/)
})

test('a suppression that has lapsed keeps nobody, one that has not does', async () => {
    const [over, not] = [somebody(), somebody()]
    const seconds = Math.floor(Date.now() / 1000)
    await suppress(over, `all soft_bounce 2026-10-01 ${seconds - 1}`)
    await suppress(not, `all mailbox_full 2026-10-01 ${seconds + 600}`)
    const replies = await submit([over, not])
    assert.deepEqual(
        replies.map((reply) => reply.slice(0, 3)),
        ['250', '550', '250'],
    )
})

test("another team's suppression and a suppressed sender keep nobody", async () => {
    const to = somebody()
    await suppress(to, 'all complaint 2026-11-03', 8)
    await suppress(FROM, 'all complaint 2026-11-03')
    assert.match((await submit([to]))[1], /^250 queued/)
})

/** Submits a mail that its recipients' server puts off once. @returns {Promise<string[]>} them */
async function waiting(count, options) {
    const recipients = Array.from({ length: count }, somebody)
    for (const to of recipients) edge.mailbox.answer(to, (attempt) => attempt === 1 && [451, '4.7.1 later'])
    assert.match((await submit(recipients, options)).at(-1), /^250 queued/)
    for (const recipient of recipients) await edge.webhook.event({ type: 'deferred', recipient })
    return recipients
}

const queue = () => fs.readdirSync(path.join(edge.home, 'queue')).filter((file) => /^\d/.test(file))

test('who is suppressed while a mail waits does not get it, and that is told of each recipient', async () => {
    const [gone, other] = await waiting(2, { stream: 'broadcast' })
    const [alone] = await waiting(1)
    await waitFor(() => queue().length === 2, 'both mails in the queue')
    await suppress(gone, OF_A_STREAM)
    await suppress(alone, 'all complaint 2026-11-03')
    edge.process.kill('SIGHUP')
    await edge.webhook.event({ type: 'delivered', recipient: other })
    const { message_id: id } = await edge.webhook.event({ type: 'accepted', recipient: gone })
    const told = await edge.webhook.event({ type: 'cancelled', recipient: gone })
    assert.deepEqual([told.message_id, told.code, told.enhanced, told.attempt], [id, 550, '5.7.1', 1])
    assert.match(told.response, /is suppressed for broadcast mail of team 7: unsubscribe since 2026-11-03/)
    assert.notEqual(told.event_id, id, 'which is that of the event accepted')
    assert.match((await edge.webhook.event({ type: 'cancelled', recipient: alone })).response, /complaint/)
    await waitFor(() => queue().length === 0, 'an empty queue')
    const received = [gone, other, alone].map((to) => edge.mailbox.mailsTo(to).length)
    assert.deepEqual(received, [0, 1, 0])
})

test('a mail that waits goes on where Redis cannot tell who is suppressed', async () => {
    const [to] = await waiting(1)
    await waitFor(() => queue().length === 1, 'the mail in the queue')
    await edge.redis.client.del(names.EDGE_RECORDS_KEY)
    edge.process.kill('SIGHUP')
    await edge.webhook.event({ type: 'delivered', recipient: to })
    await edge.recordsAreThere()
})

test('while Redis has lost its data nobody is taken for free, and the submitter is asked to come again', async () => {
    const to = somebody()
    await edge.redis.client.del(names.EDGE_RECORDS_KEY)
    assert.match((await submit([to]))[0], /^451 4\.3\.0 .*try again/)
    await edge.recordsAreThere()
    assert.match((await submit([to]))[1], /^250 queued/)
})

test('an address is looked up by the digest that Python writes', async () => {
    const suppressed = new Suppressed({ redis: edge.redis.client, secret: 'x'.repeat(32) })
    // tests/edge/test_suppressed.py has the same.
    await edge.redis.client.hset(
        KEY,
        'dpQqFny9Q5Q',
        'all manual 2026-11-03 4102444800,broadcast unsubscribe 2026-11-04',
    )
    assert.deepEqual(await suppressed.of(TEAM.id, 'JÖRG@Mailbox.example '), [
        { stream: 'all', reason: 'manual', since: '2026-11-03', until: 4102444800 },
        { stream: 'broadcast', reason: 'unsubscribe', since: '2026-11-04', until: undefined },
    ])
    assert.deepEqual(await suppressed.of(TEAM.id, 'jorg@mailbox.example'), [])
})
