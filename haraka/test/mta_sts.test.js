'use strict'

const assert = require('node:assert/strict')
const https = require('node:https')
const { after, afterEach, before, beforeEach, test } = require('node:test')

const { DnsClient } = require('../plugins/lib/dns_client')
const { MtaSts, allows } = require('../plugins/lib/mta_sts')
const { MxResolver } = require('../plugins/lib/mx')
const { Authority } = require('./support/certificates')
const { DnsServer } = require('./support/dns_server')

const DOMAIN = 'a.example'

let authority
let certificate
let dns
let host
let published // {text, status}
let requests

before(() => {
    authority = new Authority()
    certificate = authority.sign(`mta-sts.${DOMAIN}`)
})
after(() => authority.remove())
beforeEach(async () => {
    dns = await new DnsServer().start()
    dns.host(`mta-sts.${DOMAIN}`, ['127.0.0.1'])
    requests = 0
    host = https.createServer(certificate, (request, response) => {
        requests++
        response.writeHead(published.status ?? 200, { 'content-type': 'text/plain' }).end(published.text)
    })
    await new Promise((resolve) => host.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
    await new Promise((resolve) => host.close(resolve))
    await dns.stop()
})

/** As after each look-up's time to live: nothing but policies is kept. */
function start({ allowLocal = true } = {}) {
    const client = new DnsClient({ servers: [dns.address], timeoutsMs: [5000] })
    const resolver = {
        find: async (name, type) => ({ ...(await client.ask(name, type)), until: Date.now() }),
    }
    const mx = new MxResolver(resolver)
    return new MtaSts({ resolver, mx, ca: authority.certificate, port: host.address().port, allowLocal })
}

const announce = (...texts) =>
    dns.zones.set(
        `_mta-sts.${DOMAIN} TXT`,
        texts.map((text) => [Buffer.from(text)]),
    )

function publish(mode, mx, { id = '1', maxAge = 86_400 } = {}) {
    announce(`v=STSv1; id=${id};`)
    published = { text: `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: ${maxAge}\n` }
}

const policyOf = async (sts) => (await sts.policyOf(DOMAIN)).policy

test('a domain that announces no policy has none, and is not asked for it', async () => {
    assert.equal(await policyOf(start()), null)
    assert.equal(requests, 0)
})

test('a policy is fetched when it is announced, and again only when its id changes', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example')
    assert.deepEqual(await policyOf(sts), { mode: 'enforce', mx: ['mx.a.example'] })
    await policyOf(sts)
    assert.equal(requests, 1)
    publish('testing', 'mx.b.example', { id: '2' })
    assert.deepEqual(await policyOf(sts), { mode: 'testing', mx: ['mx.b.example'] })
})

test('a policy stays in force when the DNS no longer announces it, or cannot say', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example')
    await policyOf(sts)
    dns.zones.delete(`_mta-sts.${DOMAIN} TXT`)
    assert.equal((await policyOf(sts)).mode, 'enforce')
    dns.zones.set(`_mta-sts.${DOMAIN} TXT`, { rcode: 2 })
    assert.equal((await policyOf(sts)).mode, 'enforce')
})

test('a policy stays in force when a newer one cannot be had, which is not asked for at once again', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example')
    await policyOf(sts)
    publish('none', 'mx.a.example', { id: '2' })
    published.status = 500
    assert.equal((await policyOf(sts)).mode, 'enforce')
    assert.equal((await policyOf(sts)).mode, 'enforce')
    assert.equal(requests, 2)
})

test('a policy ends with its age', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example', { maxAge: 0 })
    await policyOf(sts)
    dns.zones.delete(`_mta-sts.${DOMAIN} TXT`)
    assert.equal(await policyOf(sts), null)
})

test('look-ups at the same time share one fetch', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example')
    await Promise.all([policyOf(sts), policyOf(sts), policyOf(sts)])
    assert.equal(requests, 1)
})

test('two records are none', async () => {
    publish('enforce', 'mx.a.example')
    announce('v=STSv1; id=1;', 'v=STSv1; id=2;')
    assert.equal(await policyOf(start()), null)
})

test('other records beside it do not count', async () => {
    publish('enforce', 'mx.a.example')
    announce('v=spf1 -all', 'v=STSv1; id=1;')
    assert.equal((await policyOf(start())).mode, 'enforce')
})

test('a policy that is no policy is none', async () => {
    const sts = start()
    publish('enforce', 'mx.a.example')
    published.text = 'version: STSv1\nmode: whatever\nmax_age: 1\n'
    assert.equal(await policyOf(sts), null)
})

test('a policy without end is none', async () => {
    publish('enforce', 'mx.a.example')
    published.text += 'x'.repeat(100_000)
    assert.equal(await policyOf(start()), null)
})

test('a policy host in our own network is not asked', async () => {
    publish('enforce', 'mx.a.example')
    assert.equal(await policyOf(start({ allowLocal: false })), null)
    assert.equal(requests, 0)
})

const MATCHES = [
    ['mx.a.example', 'mx.a.example', true],
    ['mx.a.example', 'mx2.a.example', false],
    ['*.a.example', 'mx.a.example', true],
    ['*.a.example', 'a.example', false],
    ['*.a.example', 'mx.sub.a.example', false],
    ['*.a.example', 'mxa.example', false],
]
for (const [pattern, name, expected] of MATCHES) {
    test(`${pattern} ${expected ? 'allows' : 'does not allow'} ${name}`, () => {
        assert.equal(allows({ mode: 'enforce', mx: [pattern] }, name), expected)
    })
}
