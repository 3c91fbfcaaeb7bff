'use strict'

const assert = require('node:assert/strict')
const { after, before, beforeEach, test } = require('node:test')

const { Claims } = require('../plugins/lib/claims')
const { parseBatch } = require('../plugins/lib/batch_format')
const names = require('../plugins/lib/names')
const { connect } = require('../plugins/lib/redis')
const { batchOf, documentOf, mailOf } = require('./support/batch')
const { freePorts } = require('./support/ports')
const { RedisServer } = require('./support/redis')
const { waitFor } = require('./support/wait')

let server
let redis

before(async () => {
    server = await new RedisServer((await freePorts(1))[0]).start()
    redis = connect(server.url)
})
after(async () => {
    redis.disconnect()
    await server.stop()
})
beforeEach(async () => {
    await waitFor(() => redis.status === 'ready', 'the connection to Redis')
    await redis.flushall()
    await redis.set(names.EDGE_RECORDS_KEY, 1)
})

const edge = (name = 'edge-1') => new Claims({ redis, edge: name, ttl: 600 })
const contacts = (...ids) =>
    parseBatch(documentOf(batchOf(ids.map((contactId) => mailOf({ contactId }))))).mails
const namesOf = (elsewhere) => [...elsewhere].map(([mail, name]) => [mail.contactId, name])

test('the first submission has them, and Redis says who', async () => {
    const mails = contacts(1, 2)
    assert.deepEqual(namesOf(await edge().take(mails)), [])
    assert.equal(await redis.get('BROADCAST:5:2'), `${mails[1].messageId}:edge-1:${mails[1].batch.id}`)
    const ttl = await redis.ttl('BROADCAST:5:2')
    assert.ok(ttl > 590 && ttl <= 600, `${ttl}`)
})

test('of a second submission the mails of the first are elsewhere, and the others are claimed', async () => {
    await edge('edge-2').take(contacts(1, 3))
    assert.deepEqual(namesOf(await edge().take(contacts(1, 2, 3, 4))), [
        [1, 'edge-2'],
        [3, 'edge-2'],
    ])
    assert.deepEqual(namesOf(await edge('edge-2').take(contacts(2))), [[2, 'edge-1']])
})

test('the same batch again is a duplicate, but its own where it asks anew about itself', async () => {
    const mails = contacts(1, 2)
    await edge().take(mails)
    assert.deepEqual(namesOf(await edge().take(mails)), [
        [1, 'edge-1'],
        [2, 'edge-1'],
    ])
    assert.deepEqual(namesOf(await edge().takeAgain(mails)), [])
})

test('a batch that asks anew takes none of another', async () => {
    await edge('edge-2').take(contacts(1))
    assert.deepEqual(namesOf(await edge().takeAgain(contacts(1, 2))), [[1, 'edge-2']])
})

test('of many at the same time each mail has one', async () => {
    const submissions = Array.from({ length: 20 }, (_, i) => edge(`edge-${i}`).take(contacts(1, 2, 3)))
    const lost = (await Promise.all(submissions)).map((elsewhere) => elsewhere.size)
    assert.equal(
        lost.reduce((sum, size) => sum + size),
        19 * 3,
    )
})

test('a Redis that has lost its data makes no claim of a broadcast, till they are there again', async () => {
    await redis.flushall()
    const mails = contacts(1)
    const claims = edge()
    await assert.rejects(claims.take(mails), /LOST/)
    assert.ok(claims.areAway)
    const taken = claims.takeAgain(mails)
    await redis.set('BROADCAST:5:1', `${mails[0].messageId}:edge-2:`)
    await redis.set(names.EDGE_RECORDS_KEY, 1)
    assert.deepEqual(namesOf(await taken), [[1, 'edge-2']])
    assert.ok(!claims.areAway)
})

test("a claim of the ledger is its edge's own at the start, for the first batch that asks", async () => {
    const [mail] = contacts(1)
    await redis.set('BROADCAST:5:1', `${mail.messageId}:edge-1:`)
    assert.deepEqual(namesOf(await edge().take([mail])), [[1, 'edge-1']])
    assert.deepEqual(namesOf(await edge().takeAgain([mail])), [[1, 'edge-1']], 'it was not answered for')
    assert.deepEqual(namesOf(await edge('edge-2').takeUp([mail])), [[1, 'edge-1']])
    assert.deepEqual(namesOf(await edge().takeUp([mail])), [])
    const other = parseBatch(documentOf(batchOf([mailOf({ contactId: 1, messageId: mail.messageId })]))).mails
    assert.deepEqual(namesOf(await edge().takeUp(other)), [[1, 'edge-1']])
})

test('claims that an older version left are duplicates', async () => {
    await redis.set('BROADCAST:5:1', '01900000-0000-7000-8000-000000000001:edge-2:T1:queued')
    assert.deepEqual(namesOf(await edge().take(contacts(1))), [[1, 'edge-2']])
})

test('five thousand are claimed by one script', async () => {
    const mails = contacts(...Array.from({ length: 5000 }, (_, i) => i + 1))
    assert.equal((await edge().take(mails)).size, 0)
    assert.equal(await redis.dbsize(), 1 + 5000)
})

test('without Redis nothing is claimed, and who must know waits until it answers', async () => {
    const claims = edge()
    await server.kill()
    await waitFor(() => claims.areAway, 'the connection to end')
    await assert.rejects(claims.take(contacts(1)))
    const waiting = claims.takeAgain(contacts(2))
    await server.start()
    await server.client.set(names.EDGE_RECORDS_KEY, 1)
    assert.deepEqual(namesOf(await waiting), [])
    await waitFor(() => !claims.areAway, 'Redis to be back')
})
