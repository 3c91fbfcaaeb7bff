'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { after, before, test } = require('node:test')

const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

let edge

before(async () => {
    edge = await Edge.start({
        KIBA_ALLOW_LOCAL_MX: 0,
        LOG_LEVEL: 'DEBUG',
        KIBA_MAX_EVENT_BACKLOG_BYTES: 1 << 16,
    })
})
after(() => edge.stop())

test('health says what it looked at', async () => {
    const { status, process, checks } = await edge.health()
    assert.deepEqual([status, process], ['ok', 'smtp'])
    assert.deepEqual(Object.keys(checks), ['redis', 'events', 'spool', 'lanes', 'queue'])
})

test('a mail is counted at each stage', async () => {
    await edge.send('ann@mailbox.example')
    await edge.webhook.event({ type: 'bounced', recipient: 'ann@mailbox.example' })
    for (const stage of ['queue', 'bounce']) {
        assert.equal(await edge.metric(`kibamail_mails_total{stage="${stage}"}`), 1)
    }
    assert.equal(await edge.metric('kibamail_events_spooled_total{type="bounced"}'), 1)
    await waitFor(
        async () => (await edge.metric('kibamail_event_backlog_bytes')) === 0,
        'the event to be posted',
    )
    assert.equal(await edge.metric('kibamail_events_posted_total'), 1)
})

test('mail does not go to private addresses, unless that is allowed', async () => {
    await edge.send('bob@mailbox.example')
    const { response } = await edge.webhook.event({ type: 'bounced', recipient: 'bob@mailbox.example' })
    assert.match(response, /private address/)
    assert.deepEqual(edge.mailbox.mails, [])
})

test('without the webhook receiver events wait on disk until there are too many, and mail waits then', async () => {
    edge.webhook.status = 503
    const subject = 'A subject that makes its event a long one. '.repeat(11)
    let refusal
    for (let sent = 0; !refusal; sent += 20) {
        assert.ok(sent < 400, 'a batch is refused')
        const reply = await edge.handOver(Array.from({ length: 20 }, () => edge.mail({ subject })))
        if (!reply.startsWith('250-0-19 queued')) refusal = reply
    }
    assert.match(refusal, /^452 4\.3\.1 .*webhook/)
    assert.equal((await edge.health()).checks.events.ok, false)

    edge.webhook.status = 200
    await waitFor(async () => (await edge.health()).status === 'ok', 'the backlog to go')
    await edge.send('carl@mailbox.example')
})

test('stdout holds lines of JSON and nothing else', () => {
    assert.ok(edge.logs.length > 5)
    for (const line of edge.logs) {
        assert.equal(line.not_json, undefined)
        assert.match(line.ts, /Z$/)
        assert.equal(line.process, 'smtp')
    }
    assert.equal(edge.stderr, '')
})

test('a start without its settings ends, and says which is missing', () => {
    const entry = path.join(__dirname, '..', 'edge.js')
    const { status, stdout } = spawnSync(process.execPath, [entry], { env: {}, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(JSON.parse(stdout).reason, /^Set KIBA_TLS_CERT\./)
})

test('a second edge in the same home ends, and says so', () => {
    const entry = path.join(__dirname, '..', 'edge.js')
    const { status, stdout } = spawnSync(process.execPath, [entry], { env: edge.env, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stdout, /Another edge runs in /)
})

test('a second edge on the same ports ends, and says so', () => {
    const entry = path.join(__dirname, '..', 'edge.js')
    const env = { ...edge.env, EDGE_HOME: path.join(edge.home, 'second') }
    const { status, stdout } = spawnSync(process.execPath, [entry], {
        env,
        encoding: 'utf8',
        timeout: 10_000,
    })
    assert.equal(status, 1)
    assert.match(stdout, /EADDRINUSE/)
})
