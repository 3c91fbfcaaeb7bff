'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const { asMarkdown, load } = require('../plugins/lib/settings')

const SECRET = 'x'.repeat(32)
const ENV = {
    KIBA_TLS_CERT: __filename,
    KIBA_TLS_KEY: __filename,
    WEBHOOK_SECRET: SECRET,
    INTERNAL_SECRET: SECRET,
    TOKEN_SECRET: SECRET,
    ENCRYPTION_KEY: '0'.repeat(64),
}

test('what is not set has its default', () => {
    const settings = load(ENV)
    assert.equal(settings.edgeName, 'edge-1')
    assert.equal(settings.maxMailBytes, 26214400)
    assert.equal(settings.allowLocalMx, false)
    assert.deepEqual(settings.dnsServers, [])
})

test('a missing secret is asked for by name', () => {
    assert.throws(() => load({ ...ENV, TOKEN_SECRET: undefined }), /^Error: Set TOKEN_SECRET\./)
})

const UNUSABLE = {
    WEBHOOK_SECRET: 'short',
    ENCRYPTION_KEY: 'not hex',
    EDGE_PORT: '70000',
    EDGE_NAME: 'a:b',
    KIBA_ALLOW_LOCAL_MX: 'yes',
    KIBA_RETRY_SCHEDULE: '5m,soon',
    KIBA_PROVIDER_RETRIES: 'google:5m',
    KIBA_TLS_CERT: '/nowhere/cert.pem',
    KIBA_HOSTNAME: 'mx kibamail',
    LOG_LEVEL: 'loud',
    REDIS_URL: 'redis',
}
for (const [variable, value] of Object.entries(UNUSABLE)) {
    test(`${variable}=${value} is refused by the variable's name`, () => {
        assert.throws(() => load({ ...ENV, [variable]: value }), new RegExp(`^Error: ${variable} must`))
    })
}

test('a retry schedule is written as Haraka writes it', () => {
    const { retrySchedule } = load({ ...ENV, KIBA_RETRY_SCHEDULE: '2s, 1m*2,1h,1d' })
    assert.deepEqual(retrySchedule, [2, 60, 60, 3600, 86400])
})

test('a provider may have a retry schedule of its own', () => {
    const { providerSchedules } = load({ ...ENV, KIBA_PROVIDER_RETRIES: 'google=1m, 1h*2; example.com=5m;' })
    assert.deepEqual(
        [...providerSchedules],
        [
            ['google', [60, 3600, 3600]],
            ['example.com', [300]],
        ],
    )
    assert.equal(load(ENV).providerSchedules.size, 0)
})

test('one of several processes has a name, a home and a port of its own', () => {
    const settings = load({ ...ENV, EDGE_HOME: '/srv/edge', KIBA_NODES: '3', KIBA_NODE: '2' })
    assert.deepEqual([settings.edgeName, settings.machineName], ['edge-1.2', 'edge-1'])
    assert.deepEqual([settings.eventsDir, settings.healthPort], ['/srv/edge/2/events', 28086])
})

test('the table shows each variable, and no value of a secret', () => {
    const table = asMarkdown()
    assert.match(table, /^\| `EDGE_HOME` \| `\.kiba\/edge` \| /m)
    assert.match(table, /^\| `INTERNAL_SECRET` \| {2}\| /m)
})
