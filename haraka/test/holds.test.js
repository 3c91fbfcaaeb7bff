'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')

const names = require('../plugins/lib/names')
const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

const SECOND = 1000

let edge

before(async () => {
    edge = await Edge.start({ KIBA_LANE_PATIENCE: 1, KIBA_RETRY_SCHEDULE: '1h*3' })
    await edge.redis.client.hset(names.LANE_POLICIES_KEY, 'mailbox.example', '{"per_minute": 1200}')
    await edge.redis.client.publish(names.LANES_CHANNEL, '')
})
after(() => edge.stop())

/** What the API says of a broadcast. @returns {Promise<number>} when: milliseconds since 1970 */
async function hold(broadcastId, action) {
    const { client } = edge.redis
    const at = new Date()
    if (action)
        await client.hset(
            names.BROADCASTS_HELD_KEY,
            broadcastId,
            JSON.stringify({ action, at: at.toISOString() }),
        )
    else await client.hdel(names.BROADCASTS_HELD_KEY, broadcastId)
    await client.publish(names.BROADCASTS_CHANNEL, 'changed')
    return at.getTime()
}

const mailsTo = (count, name) =>
    Array.from({ length: count }, (_, i) => edge.mail({ recipient: `${name}${i}@mailbox.example` }))
const receivedBy = (mails) => mails.flatMap(({ recipient }) => edge.mailbox.mailsTo(recipient))
const queueFiles = () => fs.readdirSync(path.join(edge.home, 'queue')).filter((file) => /^\d/.test(file))
const fatesOf = ({ messageId }) =>
    edge.webhook.events.filter(({ message_id: id }) => id === messageId).map(({ type }) => type)
const settled = (mails, ...types) =>
    waitFor(() => mails.every((mail) => types.includes(fatesOf(mail).at(-1))), `all ${types.join(' or ')}`)

test('a pause holds what the edge has taken within a second, others pass by, and all arrive once', async () => {
    const mails = mailsTo(30, 'paused')
    await edge.handOver(mails, { broadcast_id: 11 })
    await waitFor(() => receivedBy(mails).length > 5, 'the first mails')
    const paused = await hold(11, 'pause')
    const others = mailsTo(3, 'other')
    await edge.handOver(others, { broadcast_id: 12 })
    await settled(others, 'delivered')
    await waitFor(() => Date.now() > paused + 2 * SECOND, 'two seconds')
    // They have waited for longer than a lane keeps them.
    await waitFor(() => queueFiles().length > 0, 'the mails in the queue')
    const late = mailsTo(2, 'late')
    assert.match(await edge.handOver(late, { broadcast_id: 11 }), /^250-0-1 queued edge-1/)

    const resumed = await hold(11, null)
    await settled([...mails, ...late], 'delivered')
    const received = receivedBy([...mails, ...late])
    assert.equal(received.length, 32)
    assert.deepEqual(
        received.filter(({ at }) => at > paused + SECOND && at < resumed),
        [],
    )
    assert.deepEqual(queueFiles(), [])
})

test('a cancelled broadcast is given up wherever it waits, and each of its mails has one fate', async () => {
    const deferred = mailsTo(3, 'deferred')
    for (const { recipient } of deferred) edge.mailbox.answer(recipient, () => [451, '4.7.1 later'])
    await edge.handOver(deferred, { broadcast_id: 21 })
    await settled(deferred, 'deferred')
    await hold(21, 'pause')
    const held = mailsTo(3, 'held')
    await edge.handOver(held, { broadcast_id: 21 })
    await waitFor(() => queueFiles().length === 6, 'what is held in the queue')
    await hold(21, null)
    await settled(held, 'delivered')

    const mails = mailsTo(40, 'cancelled')
    await edge.handOver(mails, { broadcast_id: 21 })
    await waitFor(() => receivedBy(mails).length > 5, 'the first mails')
    await hold(21, 'cancel')
    const late = mailsTo(2, 'too-late')
    await edge.handOver(late, { broadcast_id: 21 })
    const all = [...deferred, ...mails, ...late]
    await settled(all, 'delivered', 'cancelled')
    const delivered = all.filter((mail) => fatesOf(mail).at(-1) === 'delivered')
    assert.equal(receivedBy(all).length, delivered.length)
    assert.ok(delivered.length > 5 && delivered.length < 40, `${delivered.length}`)
    assert.ok(all.every((mail) => fatesOf(mail).filter((type) => type !== 'deferred').length === 1))
    assert.deepEqual(queueFiles(), [])
    assert.equal(await edge.metric('kibamail_spooled_mails'), 0)
    const { event_id: id, attempt, stream } = await edge.webhook.event({ message_id: late[0].messageId })
    assert.deepEqual([id, attempt, stream], [late[0].messageId, 0, 'broadcast'])
})

test('a pause outlives the edge, and a Redis that has lost its data', async () => {
    const transactional = { broadcast_id: 0, stream: 'transactional' }
    const late = 'bob@mailbox.example'
    edge.mailbox.answer(late, (attempt) => attempt === 1 && [451, '4.7.1 later'])
    await edge.send(late, {}, transactional)
    await edge.webhook.event({ type: 'deferred', recipient: late })
    const mails = mailsTo(5, 'kept')
    await hold(31, 'pause')
    await edge.handOver(mails, { broadcast_id: 31 })
    await edge.redis.client.flushall()
    await edge.writeRecords()
    await hold(32, 'pause')
    await edge.send('ann@mailbox.example', {}, transactional)
    await edge.mailbox.mailTo('ann@mailbox.example')
    assert.deepEqual(receivedBy(mails), [], 'what Redis forgot is held back still')

    await edge.kill()
    await edge.launch()
    edge.process.kill('SIGHUP')
    await edge.mailbox.mailTo(late)
    assert.deepEqual(receivedBy(mails), [], 'while nothing is known, no broadcast begins')

    await edge.redis.client.set(names.EDGE_RECORDS_KEY, 1)
    await settled(mails, 'delivered')
    assert.equal(receivedBy(mails).length, 5)
})
