'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const names = require('../plugins/lib/names')
const { Tally } = require('../plugins/lib/tally')
const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

let edge

before(async () => {
    edge = await Edge.start({ KIBA_RETRY_SCHEDULE: '1h' })
})
after(() => edge.stop())

const key = names.spoolStateKey('edge-1')
const told = async () => JSON.parse(await edge.redis.client.get(key))
const toldOf = (broadcasts) =>
    waitFor(
        async () => {
            const found = await told()
            return JSON.stringify(found?.broadcasts) === JSON.stringify(broadcasts) && found
        },
        `what waits to be ${JSON.stringify(broadcasts)}`,
    )

test('what waits in the queue is told by broadcast, after a kill too, and no longer when it is over', async () => {
    const mails = ['ann', 'ben'].map((name, i) =>
        edge.mail({ contactId: i + 1, recipient: `${name}@mailbox.example` }),
    )
    for (const { recipient } of mails) {
        edge.mailbox.answer(recipient, (attempt) => attempt === 1 && [451, '4.7.1 later'])
    }
    await edge.handOver(mails)
    for (const { messageId } of mails) await edge.webhook.event({ type: 'deferred', message_id: messageId })
    assert.equal((await toldOf({ 5: 2 })).mails, 2)
    await edge.kill()
    await edge.redis.client.del(key)
    await edge.launch()
    await toldOf({ 5: 2 })
    edge.process.kill('SIGHUP')
    assert.equal((await toldOf({})).mails, 0)
})

test('kinds of which there are none are not counted', () => {
    const [one, other] = [new Tally(), new Tally()]
    one.add(5, 2)
    one.add(6)
    other.add(5)
    other.add(6, -1)
    assert.deepEqual(one.plus(other).toObject(), { 5: 3 })
})
