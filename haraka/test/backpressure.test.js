'use strict'

const assert = require('node:assert/strict')
const { afterEach, beforeEach, test } = require('node:test')

const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

// The least there can be.
const ROOM = 65536

let edge

beforeEach(async () => {
    edge = await Edge.start({ KIBA_MAX_EVENT_BACKLOG_BYTES: ROOM, KIBA_RETRY_SCHEDULE: '1s*60' })
})
afterEach(() => edge.stop())

const heldUpBy = async (cause) => (await edge.metric(`kibamail_backpressure{cause="${cause}"}`)) === 1
const heldUpFor = (cause) => edge.metric(`kibamail_backpressure_seconds{cause="${cause}"}`)

test('an edge that its webhook receiver refuses says so until it is taken from again', async () => {
    edge.webhook.status = 503
    await edge.send('ann@mailbox.example')
    await waitFor(() => heldUpBy('webhook'), 'the edge to be held up')
    assert.ok((await heldUpFor('webhook')) > 0)
    assert.ok((await edge.health()).held_up_by.webhook >= 0)
    assert.equal(await heldUpBy('redis'), false)

    edge.webhook.status = 200
    await edge.webhook.event({ type: 'delivered', recipient: 'ann@mailbox.example' })
    await waitFor(async () => (await heldUpFor('webhook')) === 0, 'the edge to be free')
    assert.deepEqual((await edge.health()).held_up_by, {})
})

test('an edge that waits for an answer of Redis says so, and goes on when it is there', async () => {
    edge.redis.process.kill('SIGSTOP')
    const answer = edge.handOver([edge.mail({ recipient: 'ann@mailbox.example' })])
    try {
        await waitFor(() => heldUpBy('redis'), 'the edge to be held up')
        assert.equal(await heldUpBy('webhook'), false)
    } finally {
        edge.redis.process.kill('SIGCONT')
    }
    await answer
    await waitFor(async () => (await edge.handOver([edge.mail()])).startsWith('250'), 'a mail to be taken')
    assert.equal(await heldUpBy('redis'), false)
})

test('while its events fill their room an edge takes no mail and tries none again, and then goes on', async () => {
    edge.webhook.status = 503
    edge.mailbox.answer('grey@mailbox.example', (attempt) => attempt < 2 && [451, '4.7.1 later'])
    const readers = Array.from({ length: 150 }, (_, i) =>
        edge.mail({ recipient: `reader${i}@mailbox.example` }),
    )
    await edge.handOver([...readers, edge.mail({ recipient: 'grey@mailbox.example' })])
    const isFull = async () => (await edge.metric('kibamail_event_backlog_bytes')) > ROOM
    await waitFor(isFull, 'the events to fill their room')
    assert.match(await edge.handOver([edge.mail()]), /^452 4\.3\.1 Too many events/)
    await edge.mailbox.attempted('grey@mailbox.example')
    const due = Date.now() + 1000
    await waitFor(() => Date.now() > due + 1000, 'a second attempt to be due for long')
    assert.equal(edge.mailbox.attempts.filter((recipient) => recipient === 'grey@mailbox.example').length, 1)

    edge.webhook.status = 200
    await edge.webhook.event({ type: 'delivered', recipient: 'grey@mailbox.example' })
    assert.match(await edge.handOver([edge.mail()]), /^250/)
    await waitFor(() => edge.webhook.count('delivered') === readers.length + 2, 'every delivery to be told')
})
