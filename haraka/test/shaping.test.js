'use strict'

const assert = require('node:assert/strict')
const { beforeEach, test } = require('node:test')

const { VirtualClock } = require('../bench/shaping/virtual_clock')
const { Shaper } = require('../plugins/lib/shaping')
const { ownBudget } = require('./support/lane_budget')

const START = Date.UTC(2026, 10, 24, 9)
const SECOND = 1000
const MINUTE = 60 * SECOND

const TAKEN = { code: 250, enhanced: '2.0.0', text: 'OK', step: 'dot' }
const TOO_FAST = { code: 421, enhanced: '4.7.28', text: 'an unusual rate of mail from your IP', step: 'dot' }
const GREYLISTED = { code: 450, enhanced: '4.2.0', text: 'Greylisted', step: 'rcpt' }
const TRY_LATER = { code: 451, enhanced: null, text: 'try again later', step: 'rcpt' }
const SHUTTING_DOWN = { code: 421, enhanced: '4.3.2', text: 'Service shutting down', step: 'mail' }
const BLOCKED = { code: 550, enhanced: '5.7.1', text: 'on our block list (S3150)', step: 'mail' }
const UNKNOWN_USER = { code: 550, enhanced: '5.1.1', text: 'no such user', step: 'rcpt' }
const TOO_MANY_CONNECTIONS = { code: 421, enhanced: '4.7.0', text: 'too many connections', step: 'connect' }
const TOO_LONG_A_SESSION = {
    code: 421,
    enhanced: null,
    text: 'Max message per connection reached',
    step: 'mail',
}

let clock
let shaper

beforeEach(() => start())

function start(limits) {
    clock = new VirtualClock(START)
    shaper = new Shaper({ budget: ownBudget(limits, clock), clock })
}

const pass = (ms) => clock.run(clock.now() + ms)

/** Mails that begin within `ms` where as many connections are open as may be; each is answered at once. */
async function send(ms, reply = TAKEN, connections = 1) {
    const until = clock.now() + ms
    let sent = 0
    shaper.keeps(connections)
    while (clock.now() < until) {
        const wait = shaper.canSend(1000)
        if (wait === 0) {
            shaper.began()
            shaper.answered(reply)
            shaper.ended()
            sent++
        } else {
            // Infinity: when the lease has come.
            await pass(Math.min(wait === Infinity ? 1 : Math.ceil(wait), until - clock.now()))
        }
    }
    return sent
}

/** The connections that a lane with much to send may open, from none. */
async function connectionsOpened() {
    let open = 0
    for (let tries = 0; tries < 200; tries++) {
        const wait = shaper.canConnect(open, 0, 1000)
        if (wait === 0) open++
        else await pass(20)
    }
    return open
}

test('a lane sends as many mails a minute as its limit, evenly', async () => {
    await send(SECOND)
    const each = []
    for (let second = 0; second < 20; second++) each.push(await send(SECOND))
    assert.ok(Math.min(...each) >= 9 && Math.max(...each) <= 10, each.join(' '))
})

test('it opens as many connections as the limit', async () => {
    assert.equal(await connectionsOpened(), 10)
})

test('too fast: nothing for a while, then one mail on one connection, then more and more up to the limit', async () => {
    await send(2 * MINUTE)
    shaper.answered(TOO_FAST)
    assert.equal(shaper.canSend(1), 30 * SECOND)
    assert.equal(shaper.keeps(2), false)
    assert.match(shaper.state().back_off.reason, /^paused, more mail than .*: 421 4.7.28 an unusual rate/)
    assert.equal(shaper.state().back_off.until, clock.now() + 30 * SECOND)

    await pass(30 * SECOND)
    await send(2, TRY_LATER) // a probe that says nothing
    assert.match(shaper.state().back_off.reason, /^probing with one mail at a time/)
    await pass(SECOND)
    assert.equal(shaper.canSend(1), Infinity)
    await pass(1)
    assert.equal(shaper.canSend(1), 0)
    shaper.began()
    assert.equal(shaper.canSend(1), Infinity)
    shaper.answered(TAKEN)
    shaper.ended()

    const half = await send(10 * SECOND)
    assert.ok(half >= 40 && half <= 50, `${half} of 100`)
    const more = await send(10 * SECOND)
    assert.ok(more > half, `${more}`)
    assert.match(shaper.state().back_off.reason, /^recovering, at \d+ % of the limits/)
    await send(3 * MINUTE)
    assert.equal(shaper.state().back_off, null)
    const all = await send(10 * SECOND)
    assert.ok(all >= 96, `${all} of 100`)
})

test('a probe that fails makes the next pause twice as long, four minutes at most', async () => {
    await send(1, TOO_FAST)
    await pass(1)
    await send(1, TOO_FAST)
    const pauses = []
    for (let probe = 0; probe < 5; probe++) {
        pauses.push(shaper.canSend(1) / SECOND)
        await pass(shaper.canSend(1))
        await send(SECOND, TOO_FAST)
    }
    assert.deepEqual(
        pauses.map((seconds) => Math.round(seconds)),
        [30, 59, 119, 239, 239],
    )
})

test('complaints about one burst count once', async () => {
    await send(2 * MINUTE)
    for (let i = 0; i < 10; i++) shaper.answered(TOO_FAST)
    assert.equal(shaper.canSend(1), 30 * SECOND)
    await pass(30 * SECOND)
    shaper.answered(TOO_FAST) // of a mail that began before the pause
    assert.match(shaper.state().back_off.reason, /^probing/)
})

test('recipients that are greylisted, full or unknown slow nobody', async () => {
    await send(SECOND, GREYLISTED)
    await send(MINUTE, GREYLISTED)
    await send(MINUTE, UNKNOWN_USER)
    assert.equal(shaper.state().back_off, null)
    assert.ok((await send(10 * SECOND)) >= 96)
})

test('one deferral that nothing explains slows nobody, ten in a row do', async () => {
    for (let i = 0; i < 9; i++) shaper.answered(TRY_LATER)
    shaper.answered(TAKEN)
    for (let i = 0; i < 9; i++) shaper.answered(TRY_LATER)
    assert.equal(shaper.state().back_off, null)
    shaper.answered(TRY_LATER)
    assert.match(
        shaper.state().back_off.reason,
        /paused, the provider's servers are in trouble: 451 try again later/,
    )
})

test('one server that shuts down slows nobody, three in a row do', () => {
    shaper.answered(SHUTTING_DOWN)
    shaper.answered(SHUTTING_DOWN)
    assert.equal(shaper.state().back_off, null)
    shaper.answered(SHUTTING_DOWN)
    assert.equal(shaper.canSend(1), 10 * SECOND)
})

test('an address in disrepute rests for ten minutes', () => {
    for (let i = 0; i < 3; i++) shaper.answered(BLOCKED)
    assert.equal(shaper.canSend(1), 10 * MINUTE)
    assert.match(shaper.state().back_off.reason, /thinks ill of the source address/)
})

test('too many connections: mail goes on over fewer, and more are tried later', async () => {
    assert.equal(await connectionsOpened(), 10)
    shaper.answered(TOO_MANY_CONNECTIONS)
    shaper.closed(9)
    assert.equal(shaper.canConnect(9, 0, 1000), 10 * SECOND)
    assert.equal(shaper.keeps(9), false)
    assert.equal(shaper.keeps(5), true)
    assert.ok((await send(MINUTE, TAKEN, 5)) > 500)
    await pass(MINUTE)
    assert.equal(shaper.state().connections_limit, 10)
    assert.equal(shaper.state().back_off, null)
})

test('too many mails on a connection: fewer from then on, once for all that hear it together', () => {
    assert.equal(shaper.mailsPerConnection, 100)
    for (let i = 0; i < 5; i++) shaper.answered(TOO_LONG_A_SESSION)
    assert.equal(shaper.mailsPerConnection, 50)
    assert.equal(shaper.state().back_off, null)
})

test('a server that cannot be reached is tried ever more rarely, one connection at a time', async () => {
    await connectionsOpened()
    const pauses = []
    for (let i = 0; i < 4; i++) {
        shaper.connectFailed('connect ECONNREFUSED')
        pauses.push(shaper.canConnect(0, 0, 1) / SECOND)
    }
    assert.deepEqual(pauses, [1, 2, 4, 8])
    assert.match(
        shaper.state().back_off.reason,
        /no connection, 4 in a row failed, the last: connect ECONNREFUSED/,
    )
    await pass(8 * SECOND)
    assert.equal(shaper.canConnect(1, 1, 1), Infinity)
    shaper.connected()
    assert.equal(shaper.state().back_off, null)
})

test('no more connections are opened than mails are due', async () => {
    await connectionsOpened()
    await pass(5 * SECOND)
    shaper.canSend(1000)
    await pass(1)
    assert.equal(shaper.canConnect(1, 0, 1000), 0)
    assert.ok(shaper.canConnect(2, 1, 1000) > 0)
})

test('a lane that is paused begins nothing and keeps what it has', async () => {
    await connectionsOpened()
    const told = []
    shaper.onChange = () => told.push('changed')
    const control = { action: 'pause', reason: 'complaints', by: 'ann', at: '2026-11-24T09:00:00.000Z' }
    shaper.control(control)
    assert.deepEqual(told, ['changed'])
    assert.deepEqual([shaper.canSend(1), shaper.canConnect(0, 0, 1)], [Infinity, Infinity])
    assert.deepEqual([shaper.keeps(1), shaper.diverts], [true, false])
    assert.deepEqual(shaper.state().control, control)
    shaper.control(null)
    assert.ok((await send(MINUTE)) > 500)
})

test('a lane that is drained ends its connections and gives its mail away', async () => {
    await connectionsOpened()
    shaper.control({
        action: 'drain',
        reason: 'the address moves',
        by: 'ann',
        at: '2026-11-24T09:00:00.000Z',
    })
    assert.deepEqual([shaper.canSend(1), shaper.keeps(1), shaper.diverts], [Infinity, false, true])
})

test('limits that change hold at once', async () => {
    await send(MINUTE)
    shaper.limit({ perMinute: 60, connections: 1, mailsPerConnection: 5, ceiling: null })
    await send(2 * SECOND)
    assert.equal(await send(20 * SECOND), 20)
    assert.equal(shaper.mailsPerConnection, 5)
})

test('its state tells the rate, what became of mails, and the last replies', async () => {
    await send(10 * SECOND)
    shaper.answered(UNKNOWN_USER)
    await pass(1)
    shaper.answered(GREYLISTED)
    const { per_minute: perMinute, last_replies: replies, ...state } = shaper.state()
    assert.ok(perMinute >= 90 && perMinute <= 100, `${perMinute}`)
    assert.deepEqual([state.deferred, state.refused], [1, 1])
    assert.equal(state.delivered, perMinute)
    assert.equal(state.limit_per_minute, 600)
    assert.equal(state.warmup, null)
    assert.deepEqual(
        replies.map(({ code, text }) => [code, text]),
        [
            [450, '4.2.0 Greylisted'],
            [550, '5.1.1 no such user'],
            [250, 'OK'],
        ],
    )
    await pass(MINUTE)
    assert.equal(shaper.state().per_minute, 0)
})
