'use strict'

const assert = require('node:assert/strict')
const { createHash, X509Certificate } = require('node:crypto')
const https = require('node:https')
const { after, afterEach, before, beforeEach, describe, test } = require('node:test')

const brokenTls = require('../plugins/lib/broken_tls')
const { Authority } = require('./support/certificates')
const { DnsServer } = require('./support/dns_server')
const { TestLanes } = require('./support/lanes')
const { SmtpServer } = require('./support/smtp_server')

const ANN = 'ann@a.example'
const MX = 'mx.a.example'

let authority
let stranger
let certificate
let dns
let server
let lanes
let policies

before(() => {
    authority = new Authority()
    stranger = new Authority('Stranger')
    certificate = authority.sign(MX)
})
after(() => {
    authority.remove()
    stranger.remove()
})
beforeEach(async () => {
    dns = await new DnsServer().start()
    dns.domain('a.example', ['127.0.0.1'])
})
afterEach(async () => {
    await lanes.close()
    await server.stop()
    await dns.stop()
    policies?.close()
    policies = null
    brokenTls.forget()
})

async function start(shown = certificate) {
    server = await new SmtpServer({ certificate: shown }).start()
    const stsPort = policies?.address().port
    lanes = new TestLanes({ dns, port: server.port, ca: authority.certificate, stsPort })
}

const steps = ({ conversation }) => conversation.map(({ step }) => step)

describe('without a demand of the domain TLS', () => {
    test('is used, whoever vouches for the certificate', async () => {
        await start(stranger.sign('somebody.example'))
        const outcome = await lanes.send(ANN)
        assert.deepEqual(
            [outcome.results[0].kind, outcome.tls, outcome.tlsVersion],
            ['delivered', true, 'TLSv1.3'],
        )
        assert.deepEqual(steps(outcome), [
            'connect',
            'helo',
            'starttls',
            'helo',
            'mail',
            'rcpt',
            'data',
            'dot',
        ])
        assert.equal((await lanes.send(ANN)).connectionMail, 2)
        assert.equal(server.texts.length, 2)
    })

    test('takes up the session of an earlier connection', async () => {
        await start()
        lanes.shaper('a.example').mailsPerConnection = 1
        for (let i = 0; i < 3; i++) await lanes.send(ANN)
        assert.deepEqual(
            server.connections.map(({ isResumed }) => isResumed),
            [false, true, true],
        )
    })

    test('that is refused, or broken, is done without at once, and for a while', async () => {
        await start()
        server.replies.STARTTLS = (connection) => {
            connection.wire.write('220 go\r\n')
            return 'this is no handshake'
        }
        const outcome = await lanes.send(ANN)
        assert.deepEqual([outcome.results[0].kind, outcome.tls], ['delivered', false])
        assert.match(outcome.faults[0], /^mx\.a\.example \[127\.0\.0\.1\]: TLS handshake failed: /)
        lanes.shaper('a.example').mailsPerConnection = 1
        await lanes.send(ANN)
        await lanes.send(ANN)
        const asked = server.commands.filter((command) => command === 'STARTTLS')
        assert.equal(asked.length, 1)
    })

    test('that the server does not have for now is done without', async () => {
        await start()
        server.replies.STARTTLS = '454 4.7.0 not now'
        const outcome = await lanes.send(ANN)
        assert.deepEqual([outcome.results[0].kind, outcome.tls], ['delivered', false])
        assert.equal(server.connections.length, 1)
    })

    test('is not begun with what came in the clear behind the agreement', async () => {
        await start()
        server.replies.STARTTLS = (connection) => {
            connection.wire.write('220 go\r\n250 injected')
            return '\r\n'
        }
        const outcome = await lanes.send(ANN)
        assert.match(outcome.faults[0], /spoke before the TLS handshake/)
        assert.equal(outcome.tls, false)
    })
})

describe('a domain with an MTA-STS policy', () => {
    const policy = (mode, ...hosts) =>
        ['version: STSv1', `mode: ${mode}`, ...hosts.map((host) => `mx: ${host}`), 'max_age: 86400', ''].join(
            '\r\n',
        )

    /** Serves the policy at its host, over HTTPS. */
    async function publish(
        text,
        { shown = authority.sign('mta-sts.a.example'), status = 200, headers } = {},
    ) {
        policies = https.createServer(shown, (request, response) => {
            policies.requests.push(`${request.headers.host}${request.url}`)
            response.writeHead(status, headers ?? { 'content-type': 'text/plain' }).end(text)
        })
        policies.requests = []
        await new Promise((resolve) => policies.listen(0, '127.0.0.1', resolve))
        dns.zones.set('_mta-sts.a.example TXT', [[Buffer.from('v=STSv1; id=1;')]])
        dns.host('mta-sts.a.example', ['127.0.0.1'])
    }

    test('gets its mail over verified TLS; the policy is fetched once', async () => {
        await publish(policy('enforce', MX))
        await start()
        const outcome = await lanes.send(ANN)
        assert.deepEqual([outcome.results[0].kind, outcome.tls], ['delivered', true])
        await lanes.send(ANN)
        assert.deepEqual(policies.requests, ['mta-sts.a.example/.well-known/mta-sts.txt'])
    })

    for (const [what, shown] of [
        ['of nobody that we trust', () => stranger.sign(MX)],
        ['of another host', () => authority.sign('mx.b.example')],
        ['that is over', () => authority.sign(MX, { days: -1 })],
    ]) {
        test(`gets no mail by a server with a certificate ${what}`, async () => {
            await publish(policy('enforce', MX))
            await start(shown())
            const { results, tls } = await lanes.send(ANN)
            assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.7.5'])
            assert.match(results[0].response, /TLS handshake failed: .*certificate/i)
            assert.deepEqual([tls, server.texts], [null, []])
        })
    }

    test('gets no mail in the clear', async () => {
        await publish(policy('enforce', MX))
        await start(null)
        const { results } = await lanes.send(ANN)
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.7.4'])
        assert.match(results[0].response, /TLS is required \(verify\), but not offered/)
        assert.ok(!server.commands.join().includes('MAIL'))
    })

    test('gets no mail by a server whose TLS is broken', async () => {
        await publish(policy('enforce', MX))
        await start()
        server.replies.STARTTLS = (connection) => {
            connection.wire.write('220 go\r\n')
            return 'this is no handshake'
        }
        assert.equal((await lanes.send(ANN)).results[0].enhanced, '4.7.5')
        assert.equal((await lanes.send(ANN)).results[0].kind, 'deferred')
        assert.deepEqual(server.texts, [])
    })

    test('gets no mail by servers that the policy does not name', async () => {
        await publish(policy('enforce', 'mx.elsewhere.example', '*.b.example'))
        await start()
        const { results } = await lanes.send(ANN)
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.7.5'])
        assert.match(results[0].response, /policy of a\.example allows none of its servers/)
        assert.equal(server.connections.length, 0)
    })

    test('of the mode testing gets its mail all the same', async () => {
        await publish(policy('testing', 'mx.elsewhere.example'))
        await start(stranger.sign('somebody.example'))
        assert.equal((await lanes.send(ANN)).results[0].kind, 'delivered')
    })

    for (const [what, options] of [
        ['whose host nobody vouches for', { shown: () => stranger.sign('mta-sts.a.example') }],
        ['that is elsewhere', { status: 301, headers: { location: 'https://b.example/' } }],
        ['that is no plain text', { headers: { 'content-type': 'text/html' } }],
    ]) {
        test(`${what} is none`, async () => {
            await publish(policy('enforce', MX), { ...options, shown: options.shown?.() })
            await start(null)
            assert.equal((await lanes.send(ANN)).results[0].kind, 'delivered')
        })
    }
})

describe('a domain with TLSA records', () => {
    const der = (pem) => new X509Certificate(pem).raw
    const spki = (pem) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
    const sha256 = (bytes) => createHash('sha256').update(bytes).digest()

    function publish(records, { secure = true, ...zone } = {}) {
        dns.domain('a.example', ['127.0.0.1'], { secure })
        dns.zones.set(`_${server.port}._tcp.${MX} TLSA`, { records, secure, ...zone })
    }

    const RECORDS = {
        'the key of its server': (pem) => ({
            usage: 3,
            selector: 1,
            matchingType: 1,
            certificate: sha256(spki(pem)),
        }),
        'the certificate of its server': (pem) => ({
            usage: 3,
            selector: 0,
            matchingType: 0,
            certificate: der(pem),
        }),
        'the authority of its server': () => ({
            usage: 2,
            selector: 0,
            matchingType: 1,
            certificate: sha256(der(authority.certificate)),
        }),
    }
    for (const [what, record] of Object.entries(RECORDS)) {
        test(`that name ${what} gets its mail, over new and resumed sessions`, async () => {
            await start()
            publish([record(certificate.cert)])
            lanes.shaper('a.example').mailsPerConnection = 1
            for (let i = 0; i < 2; i++) {
                const outcome = await lanes.send(ANN)
                assert.deepEqual([outcome.results[0].kind, outcome.tls], ['delivered', true])
            }
            assert.equal(server.connections[1].isResumed, true)
        })

        test(`that name ${what} gets no mail by another`, async () => {
            const other = stranger.sign(MX)
            await start(other)
            publish([record(certificate.cert)])
            const { results } = await lanes.send(ANN)
            assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.7.5'])
            assert.match(results[0].response, /does not match its TLSA records/)
            assert.deepEqual(server.texts, [])
        })
    }

    test('needs no authority that we trust', async () => {
        const own = stranger.sign('whatever.example')
        await start(own)
        publish([RECORDS['the key of its server'](own.cert)])
        assert.equal((await lanes.send(ANN)).results[0].kind, 'delivered')
    })

    test('that name an authority gets no mail by another host of it', async () => {
        await start(authority.sign('mx.b.example'))
        publish([RECORDS['the authority of its server']()])
        assert.equal((await lanes.send(ANN)).results[0].enhanced, '4.7.5')
    })

    test('gets no mail in the clear', async () => {
        await start(null)
        publish([RECORDS['the key of its server'](certificate.cert)])
        assert.equal((await lanes.send(ANN)).results[0].enhanced, '4.7.4')
        assert.deepEqual(server.texts, [])
    })

    test('none of which can be used gets its mail over TLS only', async () => {
        const unusable = [{ usage: 1, selector: 0, matchingType: 1, certificate: Buffer.alloc(32) }]
        await start(stranger.sign('somebody.example'))
        publish(unusable)
        assert.deepEqual((await lanes.send(ANN)).tls, true)
        server.certificate = null
        lanes.shaper('a.example').mailsPerConnection = 1
        await lanes.send(ANN)
        assert.equal((await lanes.send(ANN)).results[0].enhanced, '4.7.4')
    })

    test('that cannot be looked up gets no mail for now', async () => {
        await start()
        publish([], { rcode: 2 })
        const { results } = await lanes.send(ANN)
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.7.5'])
        assert.match(results[0].response, /TLSA records cannot be told: ESERVFAIL/)
    })

    test('that DNSSEC does not vouch for has none', async () => {
        await start(stranger.sign('somebody.example'))
        publish([RECORDS['the key of its server'](certificate.cert)], { secure: false })
        assert.equal((await lanes.send(ANN)).results[0].kind, 'delivered')
        assert.equal(dns.asked(`_${server.port}._tcp.${MX} TLSA`), 0)
    })

    test('and a policy of MTA-STS goes by its records', async () => {
        const own = stranger.sign(MX)
        await start(own)
        publish([RECORDS['the key of its server'](own.cert)])
        const { route } = await lanes.lanes.routes.find('a.example')
        const demand = await lanes.tls.demandOf(
            { ...route, enforced: true },
            { name: MX, secure: true },
            server.port,
        )
        assert.equal(demand.mode, 'dane')
    })
})
