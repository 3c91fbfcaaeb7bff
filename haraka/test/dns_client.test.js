'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const { DnsClient } = require('../plugins/lib/dns_client')
const { Resolver } = require('../plugins/lib/resolver')
const { DnsServer } = require('./support/dns_server')
const { waitFor } = require('./support/wait')

const A = '192.0.2.1'

let dns
let client

before(async () => {
    dns = await new DnsServer().start()
    client = new DnsClient({ servers: [dns.address], timeoutsMs: [500, 500, 500] })
})
after(() => dns.stop())

test('an answer has its records, and how long it holds', async () => {
    dns.zones.set('a.example A', { records: [A], ttl: 77 })
    assert.deepEqual(await client.ask('a.example', 'A'), { records: [A], ttl: 77, secure: false })
})

test('a "no" holds as long as its SOA record says, but never for long', async () => {
    dns.zones.set('no.example A', { ttl: 20 })
    dns.zones.set('never.example A', { ttl: 86_400 })
    assert.equal((await client.ask('no.example', 'A')).ttl, 20)
    assert.equal((await client.ask('never.example', 'A')).ttl, 300)
})

test('an answer that is too long for a datagram is asked for by TCP', async () => {
    const records = Array.from({ length: 400 }, (_, i) => `192.0.${i >> 8}.${i & 255}`)
    dns.zones.set('long.example A', { records, truncated: true })
    assert.equal((await client.ask('long.example', 'A')).records.length, 400)
})

test('a failure of the server is told with the name', async () => {
    dns.zones.set('broken.example A', { rcode: 2 })
    await assert.rejects(client.ask('broken.example', 'A'), {
        code: 'ESERVFAIL',
        message: 'ESERVFAIL: A of broken.example could not be looked up',
    })
})

test('a server that does not answer is asked again, and then given up', async () => {
    dns.zones.set('silent.example A', { silent: true })
    await assert.rejects(client.ask('silent.example', 'A'), { code: 'ETIMEOUT' })
    assert.equal(dns.asked('silent.example A'), 3)
})

test('where one server is away the other one answers', async () => {
    dns.zones.set('b.example A', [A])
    const two = new DnsClient({ servers: ['127.0.0.1:9', dns.address], timeoutsMs: [500, 500, 500] })
    assert.deepEqual((await two.ask('b.example', 'A')).records, [A])
})

test('more questions at once than the resolver could hold are all answered', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `host${i}.example`)
    for (const name of names) dns.zones.set(`${name} A`, [A])
    const patient = new DnsClient({ servers: [dns.address] })
    const answers = await Promise.all(names.map((name) => patient.ask(name, 'A')))
    assert.ok(answers.every(({ records }) => records[0] === A))
})

test('a validated answer of a resolver on loopback is secure', async () => {
    dns.zones.set('signed.example A', { records: [A], secure: true })
    assert.equal((await client.ask('signed.example', 'A')).secure, true)
    assert.equal((await client.ask('a.example', 'A')).secure, false)
})

test('a resolver elsewhere is trusted only where the operator says so', () => {
    const isTrusted = (options) => new DnsClient({ servers: ['192.0.2.1'], ...options }).servers[0].trusted
    assert.deepEqual([isTrusted({}), isTrusted({ trusted: true })], [false, true])
})

test('look-ups of one name at the same time share one question, and its answer is kept', async () => {
    const resolver = new Resolver(client)
    dns.zones.set('shared.example A', [A])
    await Promise.all([resolver.find('shared.example', 'A'), resolver.find('shared.example', 'A')])
    await resolver.find('shared.example', 'A')
    assert.equal(dns.asked('shared.example A'), 1)
})

test('an answer that holds no more is asked for again', async () => {
    const resolver = new Resolver(client)
    dns.zones.set('short.example A', { records: [A], ttl: 1 })
    const { until } = await resolver.find('short.example', 'A')
    await waitFor(() => Date.now() > until, 'the end of its time')
    dns.zones.set('short.example A', ['192.0.2.2'])
    assert.deepEqual((await resolver.find('short.example', 'A')).records, ['192.0.2.2'])
})

test('a failure is not kept', async () => {
    const resolver = new Resolver(client)
    dns.zones.set('moody.example A', { rcode: 2 })
    await assert.rejects(resolver.find('moody.example', 'A'))
    dns.zones.set('moody.example A', [A])
    assert.deepEqual((await resolver.find('moody.example', 'A')).records, [A])
})
