'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')

const names = require('../plugins/lib/names')
const { DOMAIN, Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

let edge

before(async () => {
    edge = await Edge.start({
        KIBA_LANE_PATIENCE: 1,
        KIBA_RETRY_SCHEDULE: '1h*3',
        KIBA_PROVIDER_RETRIES: 'quick.example=1s',
        KIBA_RETRIES_AT_ONCE: 8,
    })
})
after(() => edge.stop())

const queue = () => fs.readdirSync(path.join(edge.home, 'queue')).filter((file) => /^\d/.test(file))

/** What an operator says of a provider. */
async function control(provider, action) {
    const key = `*|${provider}`
    const record = JSON.stringify({ action, reason: 'a test', by: 'tests', at: new Date().toISOString() })
    if (action) await edge.redis.client.hset(names.LANE_CONTROLS_KEY, key, record)
    else await edge.redis.client.hdel(names.LANE_CONTROLS_KEY, key)
    await edge.redis.client.publish(names.LANES_CHANNEL, '')
}

const mailsTo = (count, domain) =>
    Array.from({ length: count }, (_, i) => edge.mail({ recipient: `reader${i}@${domain}` }))

test('mail that waits too long for room in its lane goes to the queue, and leaves when there is room', async () => {
    await control('paused.example', 'pause')
    const mails = mailsTo(20, 'paused.example')
    await edge.handOver(mails)
    await waitFor(() => queue().length === 20, 'the mails in the queue')
    await waitFor(async () => /^0 mails/.test((await edge.health()).checks.spool.detail), 'an empty spool')

    // More wait than may be in the lanes at a time: others pass by.
    edge.mailbox.answer('bob@quick.example', (attempt) => attempt === 1 && [451, '4.7.1 later'])
    await edge.send('bob@quick.example')
    const { attempt } = await edge.webhook.event({ type: 'delivered', recipient: 'bob@quick.example' })
    assert.equal(attempt, 2)

    await control('paused.example', null)
    for (const { messageId } of mails) {
        const event = await edge.webhook.event({ type: 'delivered', message_id: messageId })
        assert.equal(event.attempt, 1, 'to wait is no attempt')
    }
    assert.deepEqual(queue(), [])
})

test('a provider may have pauses of its own', async () => {
    edge.mailbox.answer('ann@quick.example', () => [451, '4.7.1 later'])
    edge.mailbox.answer('ann@slow.example', () => [451, '4.7.1 later'])
    await edge.send('ann@quick.example')
    await edge.send('ann@slow.example')
    const slow = await edge.webhook.event({ type: 'deferred', recipient: 'ann@slow.example' })
    const quick = await edge.webhook.event({ type: 'deferred', recipient: 'ann@quick.example' })
    assert.deepEqual([slow.next_attempt_in_s, quick.next_attempt_in_s], [3600, 1])
    const { attempt } = await edge.webhook.event({ type: 'bounced', recipient: 'ann@quick.example' })
    assert.equal(attempt, 2)
})

test('SIGHUP tries all that waits at once', async () => {
    edge.mailbox.answer('hup@slow.example', (attempt) => attempt === 1 && [451, '4.7.1 later'])
    await edge.send('hup@slow.example')
    await edge.webhook.event({ type: 'deferred', recipient: 'hup@slow.example' })
    await waitFor(() => queue().length > 0, 'the queue file')
    edge.process.kill('SIGHUP')
    const { attempt } = await edge.webhook.event({ type: 'delivered', recipient: 'hup@slow.example' })
    assert.equal(attempt, 2)
})

test('of the recipients of one mail only those who were deferred wait', async () => {
    const recipients = ['now@quick.example', 'later@quick.example', 'never@quick.example']
    edge.mailbox.answer('later@quick.example', (attempt) => attempt === 1 && [451, '4.7.1 later'])
    edge.mailbox.answer('never@quick.example', () => [550, '5.1.1 no such user'])
    await edge.team().sendMail({ from: `ann@${DOMAIN}`, to: recipients, subject: 'Hi', text: 'Hello' })
    await edge.webhook.event({ type: 'bounced', recipient: 'never@quick.example' })
    const { attempt } = await edge.webhook.event({ type: 'delivered', recipient: 'later@quick.example' })
    assert.equal(attempt, 2)
    assert.equal(edge.mailbox.mailsTo('now@quick.example').length, 1)
    assert.equal(edge.mailbox.attempts.filter((address) => address === 'never@quick.example').length, 1)
})

test('a queue file that cannot be read is kept for a person, and the others go on', async () => {
    edge.mailbox.answer('damaged@slow.example', () => [451, '4.7.1 later'])
    edge.mailbox.answer('whole@slow.example', (attempt) => attempt === 1 && [451, '4.7.1 later'])
    const before = queue()
    await edge.send('damaged@slow.example')
    const [file] = await waitFor(() => {
        const added = queue().filter((name) => !before.includes(name))
        return added.length && added
    }, 'its queue file')
    fs.truncateSync(path.join(edge.home, 'queue', file), 200)
    await edge.send('whole@slow.example')
    await edge.webhook.event({ type: 'deferred', recipient: 'whole@slow.example' })
    await waitFor(() => queue().length > before.length + 1, 'the other queue file')
    edge.process.kill('SIGHUP')
    await edge.webhook.event({ type: 'delivered', recipient: 'whole@slow.example' })
    await edge.logged('queue file not read')
    await waitFor(() => fs.existsSync(path.join(edge.home, 'queue', `error.${file}`)), 'the file set aside')
})
