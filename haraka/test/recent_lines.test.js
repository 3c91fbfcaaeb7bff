'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { RecentLines } = require('../plugins/lib/recent_lines')

const chunk = (segment, start, text) => ({
    segment,
    start,
    bytes: Buffer.from(text),
    count: text.split('\n').length - 1,
})
const at = (segment, offset) => ({ segment, offset })
const ALL = [100, 1000]

test('whole chunks are given from a position on, as many as fit', () => {
    const recent = new RecentLines()
    recent.add(chunk(1, 0, 'a\nb\n'))
    recent.add(chunk(1, 4, 'c\n'))
    recent.add(chunk(2, 0, 'd\n'))
    const { body, count, end } = recent.from(at(1, 0), ...ALL)
    assert.deepEqual([body.toString(), count, end], ['a\nb\nc\n', 3, 6])
    assert.equal(recent.from(at(1, 0), 2, 1000).end, 4)
    assert.equal(recent.from(at(1, 0), 100, 5).end, 4)
    assert.equal(recent.from(at(1, 0), 1, 1000), null, 'the first alone is too large')
    assert.equal(recent.from(at(1, 6), ...ALL), null)
    assert.equal(recent.from(at(2, 0), ...ALL).body.toString(), 'd\n')
})

test('a position between two chunks is waited for until it is at one', () => {
    const recent = new RecentLines()
    recent.add(chunk(1, 0, 'a\nb\n'))
    recent.add(chunk(1, 4, 'c\n'))
    assert.equal(recent.from(at(1, 2), ...ALL), null)
    assert.equal(recent.from(at(1, 4), ...ALL).body.toString(), 'c\n')
})

test('no more than 8 MiB are kept: the oldest go', () => {
    const recent = new RecentLines()
    const megabyte = `${'x'.repeat((1 << 20) - 1)}\n`
    for (let n = 0; n < 10; n++) recent.add(chunk(1, n << 20, megabyte))
    assert.equal(recent.from(at(1, 0), ...ALL), null)
    assert.equal(recent.from(at(1, 1 << 20), ...ALL), null)
    assert.equal(recent.from(at(1, 2 << 20), 100, 1 << 25).count, 8)
})
