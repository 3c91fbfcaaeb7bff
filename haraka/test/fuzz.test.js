'use strict'

// For a moment; `node test/fuzz` goes on for longer (docs/security.md). Batches are in batch_format.test.js.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { fuzz } = require('./fuzz')

test('whatever a server answers, no mail is told as delivered that it has not got', async () => {
    const { executions, different } = await fuzz('replies', { seed: 1, executions: 200 })
    assert.ok(executions === 200 && different > 10, `${executions} ${different}`)
})

test('whatever a submitter sends, it is read or refused, and written anew only where its links were', async () => {
    const { executions, different } = await fuzz('mails', { seed: 1, executions: 2000 })
    assert.ok(executions === 2000 && different > 100, `${executions} ${different}`)
})
