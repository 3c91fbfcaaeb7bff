'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const states = require('haraka-constants').connection.state

const { Pace } = require('../plugins/lib/pace')

const SECOND = 1000
const pace = new Pace({ idleMs: 300 * SECOND, loginMs: 60 * SECOND, leastRate: 500 })

/** As Haraka has them; `at` looks at it some seconds after the first look. */
function connected({ login = null, as = null, state = states.CMD } = {}) {
    const connection = {
        state,
        notes: { listener: { login }, login: as },
        msg_count: { accept: 0, tempfail: 0, reject: 0 },
        transaction: { data_bytes: 0 },
    }
    pace.overdue(connection, 0)
    return { connection, at: (seconds) => pace.overdue(connection, seconds * SECOND) }
}

test('a login has a minute, whatever is said meanwhile', () => {
    const { at } = connected({ login: 'team' })
    assert.equal(at(60), null)
    assert.match(at(61), /logged in/)
})

test('after the login, and from mail to mail, there are five minutes', () => {
    const { connection, at } = connected({ login: 'team' })
    connection.notes.login = { team: {} }
    assert.equal(at(50), null)
    assert.equal(at(350), null)
    connection.msg_count.reject++
    assert.equal(at(350), null)
    assert.equal(at(650), null)
    assert.match(at(651), /no mail/)
})

test('strangers need no login', () => {
    const { at } = connected()
    assert.equal(at(300), null)
    assert.match(at(301), /no mail/)
})

test('a text may take as long as its length allows, and no longer', () => {
    const { connection, at } = connected({ state: states.DATA })
    assert.equal(at(300), null)
    assert.match(at(301), /too slowly/)
    connection.transaction.data_bytes = 500_000
    assert.equal(at(1300), null)
    connection.notes.reader = { size: 1_000_000 }
    assert.equal(at(2300), null)
    assert.match(at(2301), /too slowly/)
})

test('who waits for us is not hurried, and neither is a worker that asks whether there is room', () => {
    assert.equal(connected({ state: states.PAUSE_DATA }).at(9999), null)
    assert.equal(connected({ login: 'worker', as: { worker: true } }).at(9999), null)
})
