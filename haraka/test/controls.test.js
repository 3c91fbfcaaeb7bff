'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Controls } = require('../plugins/lib/controls')

const pause = { action: 'pause', reason: 'complaints', by: 'ann', at: '2026-11-24T09:00:00.000Z' }
const drain = { ...pause, action: 'drain' }

for (const pattern of ['engage-1|yahoo', 'engage-1|*', '*|yahoo', '*|*']) {
    test(`${pattern} holds for the lane from engage-1 to yahoo`, () => {
        assert.equal(new Controls({ [pattern]: pause }).of('engage-1', 'yahoo'), pause)
    })
}

test('other lanes go on', () => {
    const controls = new Controls({ 'engage-1|yahoo': pause, 'engage-2|*': pause, '*|google': pause })
    assert.equal(controls.of('engage-1', 'microsoft'), null)
    assert.equal(new Controls().of('engage-1', 'yahoo'), null)
})

test('of several the closest holds, and one that drains before one that pauses', () => {
    const closest = { ...pause, reason: 'closest' }
    assert.equal(new Controls({ '*|*': pause, 'engage-1|yahoo': closest }).of('engage-1', 'yahoo'), closest)
    assert.equal(new Controls({ '*|yahoo': pause, 'engage-1|*': drain }).of('engage-1', 'yahoo'), drain)
    assert.equal(new Controls({ 'engage-1|yahoo': pause, '*|*': drain }).of('engage-1', 'yahoo'), drain)
})
