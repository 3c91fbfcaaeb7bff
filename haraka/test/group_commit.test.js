'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { GroupCommit } = require('../plugins/lib/group_commit')

test('what is asked for in one turn is one group, what comes meanwhile the next', async () => {
    const groups = []
    let goOn
    const group = new GroupCommit((items) => {
        groups.push(items)
        return new Promise((resolve) => (goOn = resolve))
    })
    const first = [group.add(1), group.add(2)]
    await new Promise(setImmediate)
    const second = [group.add(3), group.add(4)]
    goOn('a')
    assert.deepEqual(await Promise.all(first), ['a', 'a'])
    goOn('b')
    assert.deepEqual(await Promise.all(second), ['b', 'b'])
    await group.idle()
    assert.deepEqual(groups, [
        [1, 2],
        [3, 4],
    ])
})

test('a group fails as one, and the next does not', async () => {
    const group = new GroupCommit(async ([item]) => {
        if (item === 'bad') throw new Error('no room')
        return item
    })
    await assert.rejects(Promise.all([group.add('bad'), group.add('good')]), /no room/)
    assert.equal(await group.add('good'), 'good')
})
