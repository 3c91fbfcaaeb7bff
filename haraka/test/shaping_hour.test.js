'use strict'

// The hour of bench/shaping.js in twelve minutes: three edges, four providers, one real Redis.

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const { drawing } = require('../bench/shaping/drawing')
const { runHour } = require('../bench/shaping/hour')
const { connect } = require('../plugins/lib/redis')
const { freePorts } = require('./support/ports')
const { RedisServer } = require('./support/redis')
const { waitFor } = require('./support/wait')

let server
let redis

before(async () => {
    server = await new RedisServer((await freePorts(1))[0]).start()
    redis = connect(server.url)
    await waitFor(() => redis.status === 'ready', 'the connection to Redis')
})
after(async () => {
    redis.disconnect()
    await server.stop()
})

test('no provider sees more than its limit, nearly all of each is used, a storm passes, and small teams go at once', async () => {
    const hour = await runHour({ redis, minutes: 12, edges: 3 })
    assert.deepEqual(hour.failures, [])
    const [google] = hour.providers
    const [from, to] = google.stormMinutes.map(Math.ceil)
    assert.ok(google.byMinute[from] < 100, 'the storm is felt')
    assert.ok(google.byMinute[to + 3] > 1000, 'and passes')
    // Probing may be over before the live view looks.
    const said = hour.changes.filter(({ words }) => !words.startsWith('probing'))
    assert.deepEqual(
        said.map(({ provider, words }) => `${provider}: ${words.split(',')[0]}`),
        ['google: paused', 'google: recovering', 'google: all is well'],
    )
    assert.match(drawing(hour), /^<svg .*<\/svg>\n$/s)
})
