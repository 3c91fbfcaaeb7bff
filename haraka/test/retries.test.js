'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Retries } = require('../plugins/lib/retries')

test('pauses follow the schedule, and after the last one there is none', () => {
    const retries = new Retries([60, 300])
    assert.deepEqual(
        [1, 2, 3].map((attempts) => retries.pauseAfter('google', attempts)),
        [60, 300, null],
    )
})

test('a provider may have a schedule of its own', () => {
    const retries = new Retries([60], new Map([['yahoo', [1800, 3600]]]))
    assert.equal(retries.pauseAfter('yahoo', 2), 3600)
    assert.equal(retries.pauseAfter('google', 2), null)
    assert.equal(retries.pauseAfter(null, 1), 60)
})
