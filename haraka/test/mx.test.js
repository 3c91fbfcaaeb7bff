'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const { DnsClient, DnsError } = require('../plugins/lib/dns_client')
const { MxResolver, NoMx } = require('../plugins/lib/mx')
const { Resolver } = require('../plugins/lib/resolver')
const { DnsServer } = require('./support/dns_server')

const SERVFAIL = { rcode: 2 }

let dns
let mx

before(async () => {
    dns = await new DnsServer().start()
    mx = new MxResolver(new Resolver(new DnsClient({ servers: [dns.address], timeoutsMs: [500, 500, 500] })))
    const zones = {
        'two.example MX': [
            { preference: 20, exchange: 'backup.two.example' },
            { preference: 10, exchange: 'MX.two.example' },
        ],
        'mx.two.example A': ['192.0.2.1'],
        'mx.two.example AAAA': ['2001:db8::1'],
        'bare.example A': ['192.0.2.3'],
        'null.example MX': [{ preference: 0, exchange: '.' }],
        'empty.example TXT': [],
        'broken.example MX': SERVFAIL,
        'half.example A': SERVFAIL,
        'half.example AAAA': ['2001:db8::2'],
        'dark.example A': SERVFAIL,
        'dark.example AAAA': [],
        'xn--bcher-kva.example A': ['192.0.2.4'],
    }
    for (const [question, answer] of Object.entries(zones)) dns.zones.set(question, answer)
})
after(() => dns.stop())

test('the hosts of a domain come in their order, in lower case', async () => {
    const { exchanges } = await mx.exchangesOf('two.example')
    assert.deepEqual(exchanges, [
        { name: 'mx.two.example', priority: 10 },
        { name: 'backup.two.example', priority: 20 },
    ])
})

test('a domain without MX is its own host', async () => {
    const { exchanges } = await mx.exchangesOf('bare.example')
    assert.deepEqual(exchanges, [{ name: 'bare.example', priority: 0 }])
})

test('a domain in its own script is looked up by its A-labels', async () => {
    const { exchanges } = await mx.exchangesOf('bücher.example')
    assert.deepEqual(exchanges, [{ name: 'xn--bcher-kva.example', priority: 0 }])
})

test('a host has IPv4 addresses, then those of IPv6', async () => {
    assert.deepEqual((await mx.addressesOf('mx.two.example')).addresses, ['192.0.2.1', '2001:db8::1'])
})

test('a host of which one look-up fails has the addresses of the other', async () => {
    assert.deepEqual((await mx.addressesOf('half.example')).addresses, ['2001:db8::2'])
})

for (const domain of ['null.example', 'empty.example', 'unheard-of.example', 'a..example', '']) {
    test(`${JSON.stringify(domain)} takes no mail, for good`, async () => {
        await assert.rejects(mx.exchangesOf(domain), NoMx)
    })
}

test('a null MX has a status of its own', async () => {
    await assert.rejects(mx.exchangesOf('null.example'), { status: '5.1.10' })
})

test('a domain whose look-up fails may take mail later', async () => {
    await assert.rejects(mx.exchangesOf('broken.example'), DnsError)
})

test('a host without an address that is known may have one later', async () => {
    await assert.rejects(mx.addressesOf('dark.example'), DnsError)
})
