'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, beforeEach, test } = require('node:test')

const { ToldState } = require('../plugins/lib/told_state')
const log = require('../plugins/lib/log')
const names = require('../plugins/lib/names')
const { connect } = require('../plugins/lib/redis')
const { Shapers } = require('../plugins/lib/shapers')
const { freePorts } = require('./support/ports')
const { RedisServer } = require('./support/redis')
const { waitFor } = require('./support/wait')

const TOO_FAST = { code: 421, enhanced: '4.7.28', text: 'an unusual rate of mail from your IP', step: 'dot' }
const PAUSE = { action: 'pause', reason: 'complaints', by: 'ann', at: '2026-11-24T09:00:00.000Z' }
const today = () => new Date().toISOString().slice(0, 10)

let server
let redis
let shapers

before(async () => {
    log.setLevel('critical')
    server = await new RedisServer((await freePorts(1))[0]).start()
    redis = connect(server.url)
})
after(async () => {
    redis.disconnect()
    await server.stop()
})
beforeEach(async () => {
    await waitFor(() => redis.status === 'ready', 'the connection to Redis')
    await redis.flushall()
})
afterEach(() => shapers.close())

async function start() {
    shapers = new Shapers({ redis, edge: 'edge-1', hostname: 'mx.mail.example' })
    await shapers.start()
}

const write = async (key, field, record) => {
    await redis.hset(key, field, JSON.stringify(record))
    await redis.publish(names.LANES_CHANNEL, 'changed')
}

test('what stands in Redis at the start holds from the first lane on', async () => {
    await redis.hset(names.SOURCES_KEY, {
        a: JSON.stringify({
            address: '192.0.2.1',
            helo: 'a.example',
            edge: null,
            pools: ['send'],
            team_id: null,
        }),
    })
    await redis.hset(names.LANE_POLICIES_KEY, 'yahoo', JSON.stringify({ per_minute: 77 }))
    await redis.hset(names.LANE_CONTROLS_KEY, 'a|yahoo', JSON.stringify(PAUSE))
    await start()
    assert.deepEqual(
        shapers.sources.map(({ name }) => name),
        ['a'],
    )
    const { limit_per_minute: limit, control } = shapers.of('a', 'yahoo').state()
    assert.equal(limit, 77)
    assert.deepEqual(control, PAUSE)
})

test('a lane may send soon after it asks, within its budget', async () => {
    await start()
    const shaper = shapers.of('default', 'yahoo')
    await waitFor(() => shaper.canConnect(0, 0, 1) === 0, 'a connection')
    shaper.canConnect(1, 1, 1)
    shaper.connected()
    await waitFor(() => shaper.canSend(1) === 0, 'a mail')
    shaper.began()
    assert.equal(shaper.state().per_minute, 1)
})

test('a pause holds as soon as it is said, and ends so', async () => {
    await start()
    const shaper = shapers.of('default', 'yahoo')
    const other = shapers.of('default', 'google')
    let changes = 0
    shaper.onChange = () => changes++
    await write(names.LANE_CONTROLS_KEY, '*|yahoo', PAUSE)
    await waitFor(() => shaper.state().control, 'the pause')
    assert.ok(changes > 0)
    assert.equal(shaper.canSend(1), Infinity)
    assert.equal(other.state().control, null)
    await redis.hdel(names.LANE_CONTROLS_KEY, '*|yahoo')
    await waitFor(() => shaper.state().control === null, 'the end, without a message')
})

test('sources and limits that change are taken over', async () => {
    await start()
    const shaper = shapers.of('default', 'yahoo')
    const before = shapers.sources
    let told = 0
    shapers.onChange = () => told++
    await write(names.LANE_POLICIES_KEY, '*', { per_minute: 33 })
    await waitFor(() => shaper.state().limit_per_minute === 33, 'the limit')
    await write(names.SOURCES_KEY, 'b', {
        address: null,
        helo: null,
        edge: 'edge-1',
        pools: ['send'],
        team_id: 7,
    })
    await waitFor(() => shapers.sources !== before && shapers.sources[0].name === 'b', 'the source')
    assert.ok(told >= 2)
})

test('a record that cannot be read is left out', async () => {
    await redis.hset(names.LANE_POLICIES_KEY, { yahoo: '{', google: JSON.stringify({ per_minute: 44 }) })
    await start()
    assert.equal(shapers.of('default', 'google').state().limit_per_minute, 44)
    assert.equal(shapers.of('default', 'yahoo').state().limit_per_minute, 1800)
})

test('a source whose warm-up is used up for today gives its surplus away, or lets it wait', async () => {
    await redis.hset(names.SOURCES_KEY, {
        a: JSON.stringify({ address: null, helo: null, edge: null, pools: ['engage'], team_id: null }),
    })
    const plan = (surplus) => JSON.stringify({ surplus, days: { [today()]: 2 } })
    await redis.hset(names.warmupKey('a'), { yahoo: plan('overflow'), google: plan('wait') })
    await start()
    for (const [provider, diverts] of [
        ['yahoo', true],
        ['google', false],
    ]) {
        const shaper = shapers.of('a', provider)
        await waitFor(() => shaper.canConnect(0, 0, 5) === 0, 'a connection')
        shaper.canConnect(1, 0, 5)
        for (let i = 0; i < 2; i++) {
            await waitFor(() => shaper.canSend(5) === 0, 'a mail')
            shaper.began()
            shaper.ended()
        }
        await waitFor(() => shaper.canSend(3) > 1000 && shaper.canSend(3) < Infinity, 'the ceiling')
        assert.equal(shaper.diverts, diverts)
        assert.deepEqual(shaper.state().warmup, { used: 2, ceiling: 2 })
    }
})

test('a lane that comes back while its provider complains goes on where it was', async () => {
    await start()
    const quiet = shapers.of('default', 'google')
    quiet.close()
    assert.notEqual(shapers.of('default', 'google'), quiet)
    const shaper = shapers.of('default', 'yahoo')
    shaper.answered(TOO_FAST)
    shaper.close()
    assert.equal(shapers.of('default', 'yahoo'), shaper)
    assert.ok(shaper.state().back_off)
})

test('the lanes of an edge are shown in Redis, for as long as it lives', async () => {
    await start()
    const key = names.laneStateKey('edge-1')
    const rows = [{ source: 'default', provider: 'yahoo', waiting: 3 }]
    const state = new ToldState({ redis, key: names.laneStateKey('edge-1'), read: () => rows })
    await state.start()
    assert.deepEqual(JSON.parse(await redis.get(key)), rows)
    const ttl = await redis.pttl(key)
    assert.ok(ttl > 9000 && ttl <= 10_000, `${ttl}`)
    rows[0].waiting = 4
    await waitFor(async () => JSON.parse(await redis.get(key))[0].waiting === 4, 'the next second')
    await state.close()
    assert.equal(await redis.get(key), null)
})
