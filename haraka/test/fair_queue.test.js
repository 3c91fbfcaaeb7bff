'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { FairQueue } = require('../plugins/lib/fair_queue')

function job({ team = 1, flow = 'b1', stream = 'broadcast', recipients = 1, name }) {
    return { teamId: team, flow, stream, recipients: new Array(recipients).fill('ann@mailbox.example'), name }
}

function queueOf(...jobs) {
    const queue = new FairQueue()
    for (const each of jobs) queue.push(job(each))
    return queue
}

function names(queue, count = Infinity) {
    const taken = []
    while (taken.length < count && queue.size > 0) taken.push(queue.shift().name)
    return taken.join(' ')
}

const numbered = (count, fields) =>
    Array.from({ length: count }, (_, i) => ({ ...fields, name: `${fields.name}${i}` }))

test('one flow is first come, first served', () => {
    assert.equal(names(queueOf(...numbered(4, { name: 'a' }))), 'a0 a1 a2 a3')
})

test('teams have turns, whatever each has waiting', () => {
    const queue = queueOf(...numbered(4, { team: 1, name: 'a' }), ...numbered(2, { team: 2, name: 'b' }))
    assert.equal(names(queue), 'a0 b0 a1 b1 a2 a3')
})

test('the flows of a team share its turns', () => {
    const queue = queueOf(
        ...numbered(3, { team: 1, flow: 'b1', name: 'a' }),
        ...numbered(3, { team: 1, flow: 'b2', name: 'b' }),
        ...numbered(3, { team: 2, flow: 'b3', name: 'c' }),
    )
    assert.equal(names(queue, 6), 'a0 c0 b0 c1 a1 c2')
})

test('who comes in waits for one round, not for what others have waiting', () => {
    const queue = new FairQueue()
    for (let i = 0; i < 100_000; i++) queue.push(job({ team: 1, name: 'large' }))
    for (let i = 0; i < 3; i++) queue.shift()
    for (let i = 0; i < 10; i++) queue.push(job({ team: 2, name: 'small' }))
    const next = names(queue, 20).split(' ')
    assert.equal(next.filter((name) => name === 'small').length, 10)
})

test('a mail to many recipients costs its team as many turns', () => {
    const queue = queueOf(
        { team: 1, recipients: 3, name: 'three' },
        { team: 1, name: 'one' },
        ...numbered(6, { team: 2, name: 'b' }),
    )
    assert.equal(names(queue, 5), 'b0 b1 three b2 one')
})

test('transactional mail goes first, and yet a fifth of the mails are of broadcasts', () => {
    const queue = queueOf(
        ...numbered(20, { name: 'b' }),
        ...numbered(40, { stream: 'transactional', flow: 't', name: 't' }),
    )
    assert.equal(names(queue, 10), 't0 t1 t2 t3 b0 t4 t5 t6 t7 b1')
})

test('what was held back for others while there were none is not made up for', () => {
    const queue = queueOf(...numbered(9, { stream: 'transactional', name: 't' }))
    names(queue, 6)
    queue.push(job({ name: 'b' }))
    assert.equal(names(queue), 't6 t7 t8 b')
})

test('it knows how many wait, and since when the one that has waited longest', () => {
    let now = 1000
    const queue = new FairQueue({ now: () => now })
    assert.equal(queue.oldest, null)
    queue.push(job({ team: 1, name: 'a' }))
    now = 2000
    queue.push(job({ team: 2, name: 'b' }))
    queue.shift()
    assert.deepEqual([queue.size, queue.oldest], [1, 2000])
    queue.shift()
    assert.deepEqual([queue.size, queue.oldest, queue.shift()], [0, null, undefined])
})

test('those that have waited for long are taken out, longest first', () => {
    let now = 0
    const queue = new FairQueue({ now: () => now })
    for (const [team, name] of [
        [1, 'a'],
        [2, 'b'],
        [1, 'c'],
        [3, 'd'],
    ]) {
        queue.push(job({ team, name }))
        now += 1000
    }
    assert.deepEqual(
        queue.takeOlder(2000).map(({ name }) => name),
        ['a', 'b', 'c'],
    )
    assert.equal(names(queue), 'd')
})

test('a broadcast that is held back leaves, and the others stay', () => {
    const queue = queueOf(
        ...numbered(2, { team: 1, flow: 'b1', name: 'a' }),
        ...numbered(2, { team: 1, flow: 'b2', name: 'b' }),
        { team: 2, flow: 'b1', name: 'c' },
    )
    assert.equal(queue.takeBroadcasts(({ flow, teamId }) => flow === 'b1' && teamId === 1).length, 2)
    assert.deepEqual(
        queue.takeBroadcasts(() => false),
        [],
    )
    assert.equal(names(queue), 'b0 c b1')
})

test('whatever is done with it, each job comes out once', () => {
    let seed = 7
    const random = (below) => (seed = (seed * 48_271) % 2_147_483_647) % below
    let now = 0
    const queue = new FairQueue({ now: () => now })
    const out = []
    let pushed = 0
    const acts = [
        () =>
            queue.push(
                job({ team: random(4), flow: `b${random(3)}`, recipients: 1 + random(5), name: pushed++ }),
            ),
        () => queue.push(job({ team: random(4), flow: 't', stream: 'transactional', name: pushed++ })),
        () => out.push(...[queue.shift()].filter(Boolean)),
        () => out.push(...queue.takeOlder(50)),
        () => out.push(...queue.takeBroadcasts(() => random(4) === 0)),
    ]
    const odds = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 4]
    for (; now < 20_000; now++) acts[odds[random(odds.length)]]()
    out.push(...queue.takeOlder(0))
    assert.equal(queue.size, 0)
    assert.deepEqual(
        out.map(({ name }) => name).sort((a, b) => a - b),
        Array.from({ length: pushed }, (_, i) => i),
    )
})
