'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { batchOf, documentOf, mailOf, onTheWire } = require('./support/batch')
const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')
const { Worker, resultsOf } = require('./support/worker')

const RECORDER = path.join(__dirname, 'support', 'record_dispatch.js')

let edge
let worker
let log

beforeEach(async () => {
    log = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'batch-test-')), 'sent')
    fs.writeFileSync(log, '')
    edge = await Edge.start({ DISPATCH_LOG: log, KIBA_DRAIN_SECONDS: 10 }, ['--require', RECORDER])
    worker = await Worker.connect(edge)
})
afterEach(async () => {
    worker.end()
    await edge.stop()
    fs.rmSync(path.dirname(log), { recursive: true })
})

const document = (mails) => documentOf(batchOf(mails))
const sent = () => fs.readFileSync(log, 'utf8').split('\n').filter(Boolean)
const spoolFiles = () =>
    fs.readdirSync(path.join(edge.home, 'mails')).filter((name) => name.endsWith('.spool'))
const healthy = () => waitFor(async () => (await edge.health()).status === 'ok', 'the edge to be well')

test('while Redis is away a batch is put off, and nothing of it is written', async () => {
    const mails = [mailOf(), mailOf()]
    await edge.redis.kill()
    await waitFor(async () => (await edge.health()).status === 'failing', 'the check of Redis to fail')
    assert.match(await worker.submit(document(mails)), /^451 4\.3\.0 Redis is away/)
    assert.deepEqual(spoolFiles(), [])

    await edge.redis.start()
    await edge.writeRecords()
    await edge.recordsAreThere()
    await healthy()
    assert.deepEqual(resultsOf(await worker.submit(document(mails))), ['queued edge-1', 'queued edge-1'])
})

test('where the claim has no answer the batch stays, and is sent once when Redis answers', async () => {
    assert.match(await worker.submit(document([mailOf()])), /^250/)
    const mails = [mailOf(), mailOf()]
    edge.redis.process.kill('SIGSTOP')
    assert.match(await worker.submit(document(mails)), /^451 4\.3\.0 Redis did not answer/)
    assert.equal(spoolFiles().length, 2)
    assert.equal(sent().length, 1)

    edge.redis.process.kill('SIGCONT')
    await waitFor(() => sent().length === 3, 'the mails to be handed on')
    assert.deepEqual(resultsOf(await worker.submit(document(mails))), [
        'duplicate edge-1',
        'duplicate edge-1',
    ])
    assert.equal(sent().length, 3)
})

test('where another edge claimed them meanwhile, they are dropped', async () => {
    assert.match(await worker.submit(document([mailOf()])), /^250/)
    const mail = mailOf()
    edge.redis.process.kill('SIGSTOP')
    assert.match(await worker.submit(document([mail])), /^451/)
    const claim = `BROADCAST:5:${mail.contactId}`
    const held = `${mail.messageId}:edge-2:01900000-0000-7000-8000-000000000000`
    // As another edge does it: Redis obeys it before the one whose answer was lost, as that was cut off.
    await edge.kill()
    edge.redis.process.kill('SIGCONT')
    await edge.redis.client.set(claim, held)
    await edge.launch()
    await waitFor(() => spoolFiles().length === 1, 'the batch to be dropped')
    assert.equal(await edge.redis.client.get(claim), held)
    assert.equal(sent().filter((line) => line.includes(claim)).length, 0)
})

test('a start without Redis takes up what is left when Redis is there', async () => {
    const batch = batchOf([mailOf()])
    await worker.submit(documentOf(batch))
    await edge.kill()
    fs.writeFileSync(log, '')
    await edge.redis.kill()
    const launching = edge.launch()
    await edge.logged('claims postponed')
    assert.deepEqual(sent(), [])
    await edge.redis.start()
    await edge.recordsAreThere()
    await launching
    await waitFor(
        () => sent().some((line) => line.startsWith(`send ${batch.id}/0 `)),
        'the mail to be handed on',
    )
})

test('a batch that is being sent when the edge is told to stop is answered 421, and nothing of it stays', async () => {
    await worker.begin()
    const bytes = onTheWire(document([mailOf()]))
    worker.client.write(bytes.subarray(0, 500))
    edge.process.kill('SIGTERM')
    await edge.logged('draining')
    worker.client.write(bytes.subarray(500))
    assert.match(await worker.client.reply(), /^421 4\.3\.2 Shutting down/)
    assert.equal(await worker.client.reply(), '')
    assert.equal(await edge.exited, 0)
    assert.deepEqual(spoolFiles(), [])
})

test('a batch that begins when the edge is told to stop is answered 421 at once', async () => {
    await worker.client.send('MAIL FROM:<>')
    await worker.client.send('RCPT TO:<batch@mx.example>')
    edge.process.kill('SIGTERM')
    await edge.logged('draining')
    assert.match(await worker.client.send('DATA'), /^421 4\.3\.2 Shutting down/)
    assert.equal(await worker.client.reply(), '')
    assert.equal(await edge.exited, 0)
})
