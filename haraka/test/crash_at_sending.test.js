'use strict'

// kill -9 while mails are being sent: nothing is lost, and nothing of a broadcast sent twice.

const { test } = require('node:test')

const { assertCounts, finish, live, prepare, someBatches, submitAll } = require('./support/lives')

prepare()

// `:2` at the second time.
const POINTS = [
    'journal half written:2',
    'journal written:2',
    'journal not renamed',
    'intended:3',
    'sent:3',
    'batch not removed',
    'batch removed',
]

for (const point of POINTS) {
    test(`killed at "${point}", it knows what it may have sent`, async () => {
        const batches = someBatches()
        await live(point, async (edge) => {
            await submitAll(batches)
            await edge.exited
        })
        await live('', () => finish(batches))
        assertCounts(batches)
    })
}
