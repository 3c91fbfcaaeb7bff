'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { sourcesOf } = require('../plugins/lib/sources')

const record = (fields) => ({
    address: '192.0.2.1',
    helo: 'mx1.mail.example',
    edge: null,
    pools: ['engage'],
    team_id: null,
    ...fields,
})

test('without any record there is one source, with the address that the system takes, for everything', () => {
    assert.deepEqual(sourcesOf({}, 'edge-1', 'mx.mail.example'), [
        { name: 'default', address: null, helo: 'mx.mail.example', pools: ['send', 'engage'], teamId: null },
    ])
})

test('a source that is bound to another edge is not ours', () => {
    const records = {
        a: record({ edge: 'edge-1' }),
        b: record({ edge: 'edge-2' }),
        c: record({ team_id: 7 }),
    }
    assert.deepEqual(
        sourcesOf(records, 'edge-1', 'mx.mail.example').map(({ name, teamId }) => [name, teamId]),
        [
            ['a', null],
            ['c', 7],
        ],
    )
    assert.deepEqual(sourcesOf({ b: records.b }, 'edge-1', 'mx.mail.example'), [])
})
