'use strict'

// Several edges are several `Budgets` here, on one real Redis; time is a virtual one, save in the last tests.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const path = require('node:path')
const { after, before, beforeEach, test } = require('node:test')

const { VirtualClock } = require('../bench/shaping/virtual_clock')
const { Budgets } = require('../plugins/lib/budgets')
const log = require('../plugins/lib/log')
const names = require('../plugins/lib/names')
const { connect } = require('../plugins/lib/redis')
const { freePorts } = require('./support/ports')
const { RedisServer } = require('./support/redis')
const { waitFor } = require('./support/wait')

const START = Date.UTC(2026, 10, 24, 23)
const SECOND = 1000
const MINUTE = 60 * SECOND

let server
let redis
let clock
let redisAhead // by how many ms its clock is, which is set
let edges

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
    clock = new VirtualClock(START)
    redisAhead = 0
    edges = []
})

/** One lane of one edge. It sends what it may, each mail over at once. */
class Sender {
    begun = []
    wantsConnections = 0

    constructor(limits, waiting = Infinity) {
        this.left = waiting
        const name = `edge-${edges.length + 1}`
        const heldRedis = {
            defineCommand: (...args) => redis.defineCommand(...args),
            leaseLanes: (...args) => clock.hold(redis.leaseLanes(...args)),
        }
        this.budgets = new Budgets({
            redis: heldRedis,
            edge: name,
            clock,
            time: () => Math.round((clock.now() + redisAhead) * 1000),
        })
        this.budgets.start()
        this.budget = this.budgets.of('engage-1', 'mailbox.example')
        this.budget.limits = {
            perMinute: 600,
            connections: 10,
            mailsPerConnection: 100,
            ceiling: null,
            ...limits,
        }
        this.stop = clock.every(10, () => this.#turn())
        edges.push(this)
    }

    /** From now on it is not heard of any more. */
    die() {
        this.stop()
        this.budgets.close = async () => {}
        this.budget.renew = () => {}
    }

    get count() {
        return this.begun.length
    }

    #turn() {
        const { budget } = this
        budget.waiting = Math.min(this.left, 1000)
        if (this.left > 0 || this.wantsConnections > 0) {
            const wanted = Math.max(1, this.wantsConnections)
            if (budget.open < wanted && budget.want(wanted, clock.now()) === 0) budget.open++
        }
        if (budget.open > Math.max(budget.connections, 0)) {
            budget.open = budget.connections
            budget.giveBack()
        }
        while (this.left > 0 && budget.open > 0 && budget.wait(clock.now()) === 0) {
            budget.spend(clock.now())
            budget.inFlight--
            this.begun.push(clock.now())
            this.left--
        }
    }
}

const pass = (ms) => clock.run(clock.now() + ms)
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)
const opened = () => edges.map(({ budget }) => budget.open)

/** @returns {number} the most mails that began within any minute, of all edges */
function mostInAMinute() {
    const all = edges.flatMap(({ begun }) => begun).sort((a, b) => a - b)
    let first = 0
    return all.reduce((most, at, i) => {
        while (all[first] <= at - MINUTE) first++
        return Math.max(most, i - first + 1)
    }, 0)
}

for (const perMinute of [6, 60, 600, 60_000]) {
    test(`three edges together begin ${perMinute} mails a minute at most, and nearly so many`, async () => {
        for (let i = 0; i < 3; i++) new Sender({ perMinute })
        await pass(3 * MINUTE)
        assert.ok(mostInAMinute() <= perMinute, `${mostInAMinute()}`)
        const share = sum(edges.map(({ count }) => count)) / (3 * perMinute)
        assert.ok(share > 0.94, `${share}`)
    })
}

test('edges with as much to send get as much', async () => {
    for (let i = 0; i < 3; i++) new Sender({ perMinute: 600 })
    await pass(2 * MINUTE)
    const counts = edges.map(({ count }) => count)
    assert.ok(Math.min(...counts) > 0.7 * Math.max(...counts), counts.join(' '))
})

test('an edge with little to send is served at once, and leaves the rest to the other', async () => {
    const busy = new Sender({ perMinute: 600 })
    await pass(MINUTE)
    const idle = new Sender({ perMinute: 600 }, 3)
    const since = clock.now()
    await pass(MINUTE)
    assert.equal(idle.count, 3)
    assert.ok(idle.begun.at(-1) - since < 2 * SECOND, `${idle.begun.at(-1) - since} ms`)
    assert.ok(busy.begun.filter((at) => at > since).length > 560)
})

test('connections are shared, and never more than the limit', async () => {
    const first = new Sender()
    first.wantsConnections = 10
    await pass(5 * SECOND)
    assert.deepEqual(opened(), [10])
    for (let i = 0; i < 2; i++) new Sender().wantsConnections = 10
    for (let i = 0; i < 100; i++) {
        await pass(100)
        assert.ok(sum(opened()) <= 10, opened().join(' '))
    }
    assert.equal(sum(opened()), 10)
    assert.ok(Math.min(...opened()) >= 3, opened().join(' '))
})

test('connections that are not needed are for the others', async () => {
    const [first, second] = [new Sender(), new Sender()]
    first.wantsConnections = second.wantsConnections = 10
    await pass(5 * SECOND)
    assert.deepEqual(opened(), [5, 5])
    first.left = first.wantsConnections = first.budget.open = 0
    await pass(5 * SECOND)
    assert.deepEqual(opened(), [0, 10])
})

test('edges take turns where there are fewer connections than edges', async () => {
    for (let i = 0; i < 3; i++) new Sender({ perMinute: 600, connections: 1 })
    const had = new Set()
    for (let i = 0; i < 300; i++) {
        await pass(100)
        assert.ok(sum(opened()) <= 1, opened().join(' '))
        had.add(opened().indexOf(1))
    }
    const counts = edges.map(({ count }) => count)
    assert.ok(Math.min(...counts) > 0.5 * Math.max(...counts), counts.join(' '))
})

test('what a dead edge had comes back', async () => {
    const [first, second] = [new Sender(), new Sender()]
    first.wantsConnections = second.wantsConnections = 10
    await pass(5 * SECOND)
    first.die()
    await pass(2 * SECOND)
    assert.equal(second.budget.open, 5)
    await pass(3 * SECOND)
    assert.equal(second.budget.open, 10)
})

async function usedOfTheDay(counter = 'mailbox.example') {
    const { leased, returned } = await redis.hgetall(names.laneUsedKey('engage-1', counter, '20261124'))
    return leased - returned
}

const ceiling = (mails, counter = 'mailbox.example') => ({ ceiling: { counter, mails, surplus: 'wait' } })

test('a lane goes on where the clock of Redis jumps by an hour, and back', async () => {
    const sender = new Sender({ perMinute: 600 })
    for (const jump of [0, 60 * MINUTE, 0]) {
        redisAhead = jump
        const before = sender.count
        await pass(MINUTE)
        assert.ok(sender.count - before > 550, `${sender.count - before}`)
    }
})

test('the ceiling of a day is met exactly by all edges together', async () => {
    for (let i = 0; i < 3; i++) new Sender({ perMinute: 6000, ...ceiling(500) })
    await pass(10 * MINUTE)
    assert.equal(sum(edges.map(({ count }) => count)), 500)
    assert.ok(edges.every(({ budget }) => budget.exhausted))
    assert.equal(await usedOfTheDay(), 500)
})

test('what was leased under the ceiling and not used is for the others', async () => {
    const [first, second] = [
        new Sender({ perMinute: 60_000, ...ceiling(500) }, 100),
        new Sender({ perMinute: 60_000, ...ceiling(500) }, 0),
    ]
    await pass(2 * SECOND)
    assert.equal(first.count, 100)
    second.left = Infinity
    await pass(MINUTE)
    assert.equal(second.count, 400)
})

test('a new day has its own ceiling', async () => {
    const sender = new Sender({ perMinute: 60_000, ...ceiling(300) })
    await pass(MINUTE)
    assert.equal(sender.count, 300)
    await pass(58 * MINUTE)
    assert.equal(sender.count, 300)
    await pass(2 * MINUTE)
    assert.equal(sender.count, 600)
    assert.equal(await usedOfTheDay(), 300)
})

test('slots of yesterday are not used under the ceiling of today', async () => {
    await clock.run(START + 60 * MINUTE - 50)
    const sender = new Sender({ perMinute: 600, ...ceiling(3) }, 100)
    await pass(10 * SECOND)
    const midnight = START + 60 * MINUTE
    assert.equal(sender.begun.filter((at) => at >= midnight).length, 3)
})

test('what one edge returns late another can still use', async () => {
    const [first, second] = [
        new Sender({ perMinute: 60_000, ...ceiling(500) }),
        new Sender({ perMinute: 60_000, ...ceiling(500) }),
    ]
    await pass(300)
    first.left = 0 // what it has leased lapses
    await pass(MINUTE)
    assert.equal(first.count + second.count, 500)
})

test('a ceiling holds where Redis has lost its count', async () => {
    const sender = new Sender({ perMinute: 6000, ...ceiling(500) })
    await pass(3 * SECOND)
    await redis.flushall()
    await pass(10 * MINUTE)
    assert.equal(sender.count, 500)
})

test('providers without a plan of their own count together', async () => {
    const sender = new Sender({ perMinute: 6000, ...ceiling(50, '*') })
    await pass(MINUTE)
    assert.equal(sender.count, 50)
    assert.equal(await usedOfTheDay('*'), 50)
})

test('a lane without traffic keeps nothing in Redis', async () => {
    const sender = new Sender({ perMinute: 600 }, 5)
    await pass(5 * SECOND)
    sender.budget.open = 0
    await pass(5 * SECOND)
    assert.equal(await redis.hget(names.laneBudgetKey('engage-1', 'mailbox.example'), 'edge-1'), null)
    const calls = Number((await redis.info('commandstats')).match(/evalsha:calls=(\d+)/)[1])
    await pass(10 * SECOND)
    const later = Number((await redis.info('commandstats')).match(/evalsha:calls=(\d+)/)[1])
    assert.equal(later - calls, 10) // its sign of life, each second
})

test('while Redis is away each edge takes its share of the rate, and none under a ceiling', async () => {
    const [first] = [new Sender({ perMinute: 600 }), new Sender({ perMinute: 600 })]
    const third = new Sender({ perMinute: 600, ...ceiling(1_000_000) })
    await pass(5 * SECOND)
    assert.equal(first.budgets.trouble, null)
    await server.kill()
    await waitFor(() => redis.status !== 'ready', 'the connection to end')
    await pass(2 * SECOND)
    const [before, ofThird] = [first.count, third.count]
    await pass(MINUTE)
    assert.ok(Math.abs(first.count - before - 195) <= 6, `${first.count - before} of a third of 600`)
    assert.equal(third.count, ofThird)
    assert.equal(third.budget.connections, 3)
    assert.match(first.budgets.trouble, /Redis is away: this edge keeps to a share of each limit, 1 of 3/)

    await server.start()
    await waitFor(() => redis.status === 'ready', 'the connection to Redis')
    await pass(2 * SECOND)
    assert.equal(first.budgets.trouble, null)
    await pass(MINUTE)
    assert.ok(third.count > ofThird)
})

test('an edge that ends hands back what it has, at once', async () => {
    const [first, second] = [new Sender(), new Sender()]
    first.wantsConnections = second.wantsConnections = 10
    await pass(5 * SECOND)
    first.stop()
    first.budget.release()
    await first.budgets.close()
    await pass(1200)
    assert.equal(second.budget.open, 10)
    assert.deepEqual(await redis.zrange(names.LIVE_EDGES_KEY, 0, -1), ['edge-2'])
})

test('the connections of an edge process that is killed come back', async () => {
    const edge = path.join(__dirname, 'support', 'edge_with_connections.js')
    const children = ['edge-1', 'edge-2'].map((name) => fork(edge, [server.url, name]))
    try {
        const has = [0, 0]
        children.forEach((child, i) => child.on('message', (connections) => (has[i] = connections)))
        await waitFor(() => has[0] === 5 && has[1] === 5, 'each edge to have half of the connections')
        children[0].kill('SIGKILL')
        await waitFor(() => has[1] === 10, 'the other edge to have all of them')
    } finally {
        for (const child of children) child.kill()
    }
})
