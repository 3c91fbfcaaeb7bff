'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Cache } = require('../plugins/lib/cache')
const { steadyNow } = require('../plugins/lib/clock')

const HOUR = 3600_000

for (const jump of [HOUR, -HOUR]) {
    test(`a clock that is set by ${jump / HOUR} h changes no span of time`, async (t) => {
        const cache = new Cache(HOUR / 2)
        await cache.get('key', async () => 'first')
        const before = steadyNow()
        const truth = Date.now
        t.mock.method(Date, 'now', () => truth() + jump)
        assert.ok(Math.abs(steadyNow() - before) < HOUR / 2)
        assert.equal(await cache.get('key', async () => 'second'), 'first')
    })
}
