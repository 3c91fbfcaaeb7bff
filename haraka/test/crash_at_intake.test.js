'use strict'

// kill -9 at each step from the last byte of a batch to its answer: nothing is lost, each mail is sent once.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { fates, finish, live, prepare, someBatches, submitAll } = require('./support/lives')

prepare()

const POINTS = ['batch half written', 'batch written', 'before the claim', 'claimed']

for (const point of POINTS) {
    test(`killed at "${point}", it takes the batch when it comes again, once`, async () => {
        const batches = someBatches()
        await live(point, async (edge) => {
            await submitAll(batches)
            await edge.exited
        })
        await live('', () => finish(batches))
        for (const fate of fates(batches).values()) assert.deepEqual(fate, { sent: 1, unknown: 0 })
    })
}
