'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Timers } = require('../plugins/lib/timers')

function timersAt(now) {
    const clock = { now }
    const due = []
    const timers = new Timers(
        (item) => due.push(item),
        () => clock.now,
    )
    return { clock, due, timers }
}

test('what is taken out is not given out', () => {
    const { due, timers } = timersAt(0)
    for (const [item, at] of [
        ['a1', 1000],
        ['b1', 1000],
        ['a2', 9000],
    ])
        timers.add(item, at)
    assert.deepEqual(
        timers.take((item) => item.startsWith('a')),
        ['a1', 'a2'],
    )
    assert.equal(timers.size, 1)
    timers.flush()
    assert.deepEqual(due, ['b1'])
})

test('what is due is given out, in order, and nothing before its time', () => {
    const { clock, due, timers } = timersAt(10_000)
    timers.add('late', 13_500)
    timers.add('soon', 11_200)
    clock.now = 11_199
    timers.tick()
    assert.deepEqual(due, [])
    clock.now = 13_999
    timers.tick()
    assert.deepEqual(due, ['soon'])
    clock.now = 14_000
    timers.tick()
    assert.deepEqual(due, ['soon', 'late'])
    assert.equal(timers.size, 0)
})

test('what is late already is due at the next second', () => {
    const { clock, due, timers } = timersAt(10_000)
    timers.add('overdue', 1)
    clock.now = 11_000
    timers.tick()
    assert.deepEqual(due, ['overdue'])
})

test('after a long sleep of the machine all is given out, in order', () => {
    const { clock, due, timers } = timersAt(0)
    for (const item of [3, 1, 2]) timers.add(item, item * 3600_000)
    clock.now = 10 * 3600_000
    timers.tick()
    assert.deepEqual(due, [1, 2, 3])
})

test('a clock that was set back gives nothing out twice', () => {
    const { clock, due, timers } = timersAt(10_000)
    timers.add('once', 11_000)
    clock.now = 12_000
    timers.tick()
    clock.now = 5_000
    timers.tick()
    timers.add('later', 6_000)
    clock.now = 13_000
    timers.tick()
    assert.deepEqual(due, ['once', 'later'])
})

test('flush gives out all there is, the earliest first', () => {
    const { due, timers } = timersAt(0)
    timers.add('b', 9_000)
    timers.add('a', 2_000)
    assert.equal(timers.size, 2)
    timers.flush()
    assert.deepEqual(due, ['a', 'b'])
    assert.equal(timers.size, 0)
})
