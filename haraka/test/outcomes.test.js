'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Outcomes } = require('../plugins/lib/outcomes')
const { Retries } = require('../plugins/lib/retries')

const mail = { messageId: 'm1', teamId: 7, recipient: 'bob@example.com', sender: 'a@example.com', batch: {} }
const outcome = { provider: 'example', results: [{ kind: 'delivered', code: 250, response: 'ok' }] }

test('what became of a mail is told once the disk takes it, and until then the mail is not over', async () => {
    const told = []
    let full = true
    const outcomes = new Outcomes({
        report: async (type, { message_id }) => {
            if (full) {
                full = false
                throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
            }
            told.push([type, message_id])
        },
        retries: new Retries([1]),
        returns: { tell: () => assert.fail('nothing has failed') },
        neverLost: new Set(),
    })
    const job = { mails: [mail], attempt: 1, queuedAt: Date.now(), stream: 'broadcast', sender: mail.sender }
    const keepsNodeAlive = setInterval(() => {}, 1000) // as an edge's listeners do
    await outcomes.tell(outcomes.judge(job, outcome), job, outcome)
    clearInterval(keepsNodeAlive)
    assert.deepEqual(told, [['delivered', 'm1']])
})

test('a delivery that is told again by the next life is the same event, and another one for each mail', async () => {
    const told = []
    const report = async (type, { event_id: id }) => told.push(`${type} ${id}`)
    const outcomes = new Outcomes({ report, retries: new Retries([1]), neverLost: new Set() })
    const mails = ['a', 'b'].map((end) => ({
        ...mail,
        queuedAt: Date.now(),
        messageId: `0192f0c1-7d3a-7e4b-9c55-0a1b2c3d4e0${end}`,
    }))
    const job = {
        mails: [mails[0]],
        attempt: 1,
        queuedAt: Date.now(),
        stream: 'broadcast',
        sender: mail.sender,
    }
    await outcomes.tell(outcomes.judge(job, outcome), job, outcome)
    for (const each of mails) await outcomes.tellSent(each, 1)
    const ids = ['a', 'b'].map((end) => `delivered 0192f0c1-7d3a-8e4b-9c55-0a1b2c3d4e0${end}`)
    assert.deepEqual(told, [ids[0], ...ids])
})
