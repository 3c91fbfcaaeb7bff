'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const DEFAULTS = require('../plugins/lib/limits.json')
const { Policies } = require('../plugins/lib/policies')

const DAY = '2026-11-24'
const limitsOf = (policies, provider, day = DAY) => policies.limitsOf('engage-1', provider, day)

test('without a word of an operator what is known of the provider holds, else what holds for all', () => {
    const policies = new Policies()
    assert.deepEqual(limitsOf(policies, 'yahoo'), {
        perMinute: 1800,
        connections: 10,
        mailsPerConnection: 20,
        ceiling: null,
    })
    assert.equal(limitsOf(policies, 'mailbox.example').perMinute, DEFAULTS['*'].per_minute)
})

test('an operator wins: for the provider before all providers, and field by field', () => {
    const policies = new Policies({
        yahoo: { per_minute: 60, connections: null, mails_per_connection: null, per_day: null },
        '*': { per_minute: 30, connections: 2, mails_per_connection: null, per_day: null },
    })
    const { perMinute, connections, mailsPerConnection } = limitsOf(policies, 'yahoo')
    assert.deepEqual([perMinute, connections, mailsPerConnection], [60, 2, 20])
    assert.equal(limitsOf(policies, 'mailbox.example').perMinute, 30)
})

test('mails a day are a ceiling whose surplus waits', () => {
    const policies = new Policies({ yahoo: { per_day: 5000 } })
    assert.deepEqual(limitsOf(policies, 'yahoo').ceiling, { counter: 'yahoo', mails: 5000, surplus: 'wait' })
})

const PLAN = { surplus: 'overflow', days: { '2026-11-24': 200, '2026-11-25': 400, '2026-11-28': 800 } }

for (const [day, mails] of [
    ['2026-11-23', 0],
    ['2026-11-24', 200],
    ['2026-11-26', 400],
    ['2026-11-28', 800],
]) {
    test(`a source that warms up sends ${mails} at most on ${day}`, () => {
        const policies = new Policies({}, { 'engage-1': { yahoo: PLAN } })
        assert.deepEqual(limitsOf(policies, 'yahoo', day).ceiling, {
            counter: 'yahoo',
            mails,
            surplus: 'overflow',
        })
    })
}

test('a plan that is over is no ceiling, nor is one of another source', () => {
    const policies = new Policies({}, { 'engage-1': { yahoo: PLAN } })
    assert.equal(limitsOf(policies, 'yahoo', '2026-11-29').ceiling, null)
    assert.equal(policies.limitsOf('engage-2', 'yahoo', DAY).ceiling, null)
    assert.equal(
        limitsOf(new Policies({}, { 'engage-1': { yahoo: { surplus: 'wait', days: {} } } }), 'yahoo').ceiling,
        null,
    )
})

test('providers without a plan of their own are counted together', () => {
    const policies = new Policies(
        {},
        { 'engage-1': { yahoo: PLAN, '*': { surplus: 'wait', days: { [DAY]: 50 } } } },
    )
    const ceiling = { counter: '*', mails: 50, surplus: 'wait' }
    assert.deepEqual(limitsOf(policies, 'google').ceiling, ceiling)
    assert.deepEqual(limitsOf(policies, 'mailbox.example').ceiling, ceiling)
    assert.equal(limitsOf(policies, 'yahoo').ceiling.mails, 200)
})

test('the lesser of plan and mails a day holds', () => {
    const policies = new Policies({ yahoo: { per_day: 150 } }, { 'engage-1': { yahoo: PLAN } })
    assert.equal(limitsOf(policies, 'yahoo').ceiling.mails, 150)
    assert.equal(limitsOf(policies, 'yahoo', '2026-11-29').ceiling.mails, 150)
})

test('each default that we ship has a source and every number that it needs', () => {
    for (const [
        provider,
        { source, connections, mails_per_connection: mails, per_minute: rate },
    ] of Object.entries(DEFAULTS)) {
        assert.ok(source.length > 10, provider)
        for (const number of [connections, mails, rate])
            assert.ok(Number.isInteger(number) && number > 0, provider)
    }
})
