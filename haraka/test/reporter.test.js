'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { Reporter } = require('../plugins/lib/reporter')
const { Spool } = require('../plugins/lib/spool')
const { freePorts } = require('./support/ports')
const { WebhookReceiver } = require('./support/receiver')
const { waitFor } = require('./support/wait')

const SECRET = 'webhook-secret-of-the-test-000000'
let dir
let webhook
let spool
let reporter
let running

beforeEach(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'reporter-test-'))
    webhook = await new WebhookReceiver((await freePorts(1))[0], SECRET).start()
    spool = new Spool(dir)
    reporter = new Reporter({ spool, url: webhook.url, secret: SECRET })
})
afterEach(async () => {
    reporter.stop()
    await running
    await webhook.stop()
    fs.rmSync(dir, { recursive: true })
})

const append = (from, to) =>
    Promise.all(Array.from({ length: to - from + 1 }, (_, i) => spool.append({ n: from + i })))
const received = () => webhook.events.map(({ n }) => n)
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('events arrive signed, in order, 2,000 a request at most', async () => {
    await append(1, 4500)
    running = reporter.run()
    await waitFor(() => webhook.events.length === 4500, 'the events')
    assert.deepEqual(received(), numbers(1, 4500))
    assert.equal(webhook.posts, 3)
    await waitFor(() => spool.backlogBytes === 0, 'an empty spool')
})

test('events that come singly go together', async () => {
    running = reporter.run()
    for (let n = 1; n <= 10; n++) await append(n, n)
    await waitFor(() => webhook.events.length === 10, 'the events')
    assert.ok(webhook.posts <= 2, `${webhook.posts} posts`)
})

test('what a failing receiver did not take arrives when it is well again', async () => {
    webhook.status = 503
    await append(1, 3)
    running = reporter.run()
    await waitFor(() => webhook.posts >= 2, 'a second try')
    await append(4, 4)
    webhook.status = 200
    await waitFor(() => webhook.events.length === 4, 'the events')
    assert.deepEqual(received(), [1, 2, 3, 4])
})

test('a connection that the receiver closed since the last post is no failure', async () => {
    await append(1, 1)
    await reporter.flush(Date.now() + 5000)
    webhook.server.closeAllConnections()
    await append(2, 2)
    assert.equal(await reporter.postNext(), 1)
    assert.deepEqual(received(), [1, 2])
})

test('a receiver that is away is tried again', async () => {
    await webhook.stop()
    await append(1, 2)
    running = reporter.run()
    await webhook.start()
    await waitFor(() => webhook.events.length === 2, 'the events')
})

test('an event that the receiver calls malformed is set aside, and the others arrive', async () => {
    webhook.isMalformed = ({ n }) => n === 57
    await append(1, 100)
    running = reporter.run()
    await waitFor(() => webhook.events.length === 99, 'the others')
    assert.deepEqual(received(), [...numbers(1, 56), ...numbers(58, 100)])
    assert.equal(fs.readFileSync(path.join(dir, 'refused.ndjson'), 'utf8'), '{"n":57}\n')
})

test('flush posts what waits, and gives up where the receiver fails', async () => {
    await append(1, 3)
    webhook.status = 503
    await reporter.flush(Date.now() + 5000)
    assert.deepEqual(received(), [])
    webhook.status = 200
    await reporter.flush(Date.now() + 5000)
    assert.deepEqual(received(), [1, 2, 3])
})
