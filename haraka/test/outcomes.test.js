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
