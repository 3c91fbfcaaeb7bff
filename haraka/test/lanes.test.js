'use strict'

const assert = require('node:assert/strict')
const { afterEach, beforeEach, describe, test } = require('node:test')

const { NoMx } = require('../plugins/lib/mx')
const { DnsServer } = require('./support/dns_server')
const { SOURCE, TestLanes } = require('./support/lanes')
const { SILENCE, SmtpServer } = require('./support/smtp_server')
const { waitFor } = require('./support/wait')

let dns
let server
let lanes
let servers

beforeEach(async () => {
    dns = await new DnsServer().start()
    server = await new SmtpServer().start()
    servers = [server]
    dns.domain('a.example', ['127.0.0.1'])
})
afterEach(async () => {
    await lanes.close()
    await Promise.all(servers.map((each) => each.stop()))
    await dns.stop()
})

const start = (options) => (lanes = new TestLanes({ dns, port: server.port, ...options }))

/** Another server, on the same port of another loopback address. */
async function another(host) {
    const other = await new SmtpServer({ host, port: server.port }).start()
    servers.push(other)
    return other
}

const kinds = (outcomes) => outcomes.flatMap(({ results }) => results.map(({ kind }) => kind))
const many = (count, domain, fields) =>
    Array.from({ length: count }, (_, i) => lanes.send(`ann${i}@${domain}`, fields))

/** Holds the replies to all final dots back. @returns a function that lets them go */
function hold(held) {
    const waiting = []
    held.replies.DOT = (connection) => {
        waiting.push(connection)
        return SILENCE
    }
    return () => {
        held.replies = {}
        for (const connection of waiting.splice(0)) {
            connection.isMute = false
            connection.wire.write('250 2.0.0 taken\r\n')
        }
    }
}

describe('a route', () => {
    test('is shared by all domains with the same servers', async () => {
        start()
        dns.domain('b.example', [], { host: 'mx.a.example' })
        dns.host('mx.a.example', ['127.0.0.1'])
        const [a, b] = await Promise.all(['a.example', 'b.example'].map((it) => lanes.lanes.routeOf(it)))
        assert.equal(a.key, b.key)
        await lanes.send('ann@a.example')
        assert.equal((await lanes.send('ann@b.example')).connectionMail, 2)
        assert.equal(server.connections.length, 1)
    })

    test('has a provider, told by its best server', async () => {
        start()
        dns.domain('acme.example', [], { host: 'aspmx.l.google.com' })
        assert.equal((await lanes.lanes.routeOf('acme.example')).provider, 'google')
    })

    test('of a domain that takes no mail refuses it, with the look-up', async () => {
        start()
        const { results, lookupError, mx } = await lanes.send('ann@nowhere.example')
        assert.deepEqual([results[0].kind, results[0].code, results[0].enhanced], ['refused', null, '5.1.2'])
        assert.ok(lookupError instanceof NoMx)
        assert.equal(mx, null)
        await assert.rejects(lanes.lanes.routeOf('nowhere.example'), lookupError)
    })

    test('whose look-up fails defers the mail', async () => {
        start()
        dns.zones.set('lame.example MX', { rcode: 2 })
        const { results, lookupError } = await lanes.send('ann@lame.example')
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.4.3'])
        assert.equal(lookupError.code, 'ESERVFAIL')
    })

    test('whose servers have no address refuses the mail', async () => {
        start()
        dns.domain('dangling.example', [], { host: 'gone.example' })
        const { results } = await lanes.send('ann@dangling.example')
        assert.deepEqual([results[0].kind, results[0].enhanced], ['refused', '5.1.2'])
    })

    test('into our own network is refused', async () => {
        start({ allowLocal: false })
        for (const address of [
            '127.0.0.1',
            '10.1.2.3',
            '::1',
            'fe80::1',
            '::ffff:192.168.0.1',
            '169.254.169.254',
        ]) {
            const domain = `at${address.replaceAll(/[:.]/g, '-')}.example`
            dns.domain(domain, [address])
            const { results } = await lanes.send(`ann@${domain}`)
            assert.deepEqual([results[0].kind, results[0].enhanced], ['refused', '5.1.2'], address)
            assert.match(results[0].response, /private addresses only/)
        }
    })

    test('is looked up once for mails that come together, and its answer kept', async () => {
        start()
        await Promise.all(many(20, 'a.example'))
        await lanes.send('ann@a.example')
        for (const question of [
            'a.example MX',
            'mx.a.example A',
            'mx.a.example AAAA',
            '_mta-sts.a.example TXT',
        ]) {
            assert.equal(dns.asked(question), 1, question)
        }
    })
})

describe('of several servers', () => {
    beforeEach(() => {
        const exchanges = ['first', 'second', 'third'].map((name, i) => ({
            preference: 10 * i,
            exchange: `${name}.b.example`,
        }))
        dns.zones.set('b.example MX', exchanges)
        dns.host('first.b.example', ['127.0.0.2', '127.0.0.3'])
        dns.host('second.b.example', ['127.0.0.4'])
        dns.host('third.b.example', ['127.0.0.1'])
    })

    test('the best is used', async () => {
        start()
        const best = await another('127.0.0.2')
        const outcome = await lanes.send('ann@b.example')
        assert.deepEqual([outcome.mx, outcome.ip], ['first.b.example', '127.0.0.2'])
        assert.equal(best.texts.length, 1)
    })

    test('the next one is used where one cannot be reached, closes, or refuses us; all is told', async () => {
        start()
        const second = await another('127.0.0.4')
        second.replies.GREETING = '554 5.7.1 we do not know you'
        const third = await another('127.0.0.3')
        third.replies.GREETING = (connection) => {
            connection.socket.destroy()
            return SILENCE
        }
        const outcome = await lanes.send('ann@b.example')
        assert.equal(outcome.results[0].kind, 'delivered')
        assert.equal(outcome.mx, 'third.b.example')
        assert.match(outcome.faults[0], /^first\.b\.example \[127\.0\.0\.2\]: connect ECONNREFUSED/)
        assert.equal(outcome.faults[1], 'first.b.example [127.0.0.3]: connection lost')
        assert.match(outcome.faults[2], /^second\.b\.example \[127\.0\.0\.4\]: it answered 554 5\.7\.1/)
        const { code, step } = lanes.shaper('b.example').answers[0]
        assert.deepEqual([code, step], [554, 'connect'])
    })

    test('none is left: all mails that wait are deferred, with all faults', async () => {
        start()
        dns.zones.set('b.example MX', [{ preference: 1, exchange: 'first.b.example' }])
        const outcomes = await Promise.all(many(5, 'b.example'))
        for (const { results, faults, mx, conversation } of outcomes) {
            assert.deepEqual(
                [results[0].kind, results[0].code, results[0].enhanced],
                ['deferred', null, '4.4.1'],
            )
            assert.equal(faults.length, 2)
            assert.deepEqual([mx, conversation], ['first.b.example', []])
        }
        assert.equal(lanes.shaper('b.example').failures.length, 1)
    })
})

describe('a server that closes in its greeting', () => {
    const closing = (times) => {
        let left = times
        server.replies.GREETING = (connection) => {
            if (left-- <= 0) return undefined
            connection.socket.destroy()
            return SILENCE
        }
    }

    test('once has one mail deferred; the others go over the next connection', async () => {
        start()
        closing(1)
        const outcomes = await Promise.all(many(5, 'a.example'))
        assert.deepEqual(kinds(outcomes), ['deferred', ...Array(4).fill('delivered')])
    })

    test('twice has all mails deferred that waited for it', async () => {
        start()
        closing(2)
        const outcomes = await Promise.all(many(5, 'a.example'))
        assert.deepEqual(kinds(outcomes), Array(5).fill('deferred'))
        assert.equal(server.connections.length, 2)
    })
})

test('a server with an IPv6 address is reached by it', async () => {
    start()
    servers.push(await new SmtpServer({ host: '::1', port: server.port }).start())
    dns.domain('six.example', ['::1'])
    const { ip, sourceIp, results } = await lanes.send('ann@six.example')
    assert.deepEqual([ip, sourceIp, results[0].kind], ['::1', '::1', 'delivered'])
    dns.domain('both.example', ['127.0.0.9', '::1'])
    assert.equal((await lanes.send('ann@both.example')).ip, '::1')
})

describe('connections', () => {
    test('are as many as the lane may have', async () => {
        start()
        const letGo = hold(server)
        lanes.shaper('a.example').connectionsLimit = 3
        const sent = many(10, 'a.example')
        await waitFor(() => lanes.lanes.counts.inFlight === 3, 'three mails under way')
        assert.deepEqual(lanes.lanes.counts, { waiting: 7, inFlight: 3, connections: 3 })
        letGo()
        await Promise.all(sent)
        assert.equal(server.connections.length, 3)
    })

    test('are tried one at a time until one stands', async () => {
        start()
        const greet = []
        server.replies.GREETING = (connection) => {
            greet.push(connection)
            return SILENCE
        }
        const sent = many(10, 'a.example')
        await waitFor(() => greet.length > 0, 'the first connection')
        assert.equal(server.connections.length, 1)
        server.replies = {}
        greet[0].isMute = false
        greet[0].wire.write('220 late\r\n')
        await Promise.all(sent)
    })

    test('end after as many mails as the lane says', async () => {
        start()
        Object.assign(lanes.shaper('a.example'), { mailsPerConnection: 3, connectionsLimit: 1 })
        const outcomes = await Promise.all(many(7, 'a.example'))
        assert.deepEqual(
            outcomes.map(({ connectionMail }) => connectionMail),
            [1, 2, 3, 1, 2, 3, 1],
        )
        assert.equal(server.commands.filter((command) => command === 'QUIT').length, 2)
    })

    test('end when they have been idle for long', async () => {
        start({ timeouts: { idle: 10 } })
        await lanes.send('ann@a.example')
        await waitFor(() => server.open.length === 0, 'the end of the connection')
        assert.equal(server.commands.at(-1), 'QUIT')
        assert.equal(lanes.lanes.counts.connections, 0)
    })

    test('of all lanes together are bounded; the longest idle makes room', async () => {
        start({ connections: 2 })
        for (const name of ['b', 'c', 'd']) dns.domain(`${name}.example`, ['127.0.0.1'])
        for (const name of ['a', 'b', 'c']) await lanes.send(`ann@${name}.example`)
        assert.equal((await lanes.send('ann@b.example')).connectionMail, 2)
        await lanes.send('ann@d.example')
        assert.equal((await lanes.send('ann@b.example')).connectionMail, 3)
        assert.ok(server.open.length <= 2)
    })

    test('are had in turn by a hundred domains, two at a time', async () => {
        start({ connections: 2 })
        let most = 0
        server.replies.MAIL = () => {
            most = Math.max(most, server.open.length)
        }
        const domains = Array.from({ length: 100 }, (_, i) => `d${i}.example`)
        for (const domain of domains) dns.domain(domain, ['127.0.0.1'])
        const outcomes = await Promise.all(domains.map((domain) => lanes.send(`ann@${domain}`)))
        assert.deepEqual([...new Set(kinds(outcomes))], ['delivered'])
        assert.equal(most, 2)
    })

    test('of many domains leave nothing behind but the last lanes, for the live view', async () => {
        start({ connections: 20 })
        const domains = Array.from({ length: 1200 }, (_, i) => `d${i}.example`)
        for (const domain of domains) dns.domain(domain, ['127.0.0.1'], { host: `mx.${domain}` })
        await Promise.all(domains.map((domain) => lanes.send(`ann@${domain}`)))
        assert.ok(lanes.lanes.counts.connections <= 20)
        assert.ok(lanes.shapers.size <= 500 + 20)
        assert.ok(lanes.lanes.state().length <= 500)
    })

    test('that are busy give way to a lane that has none', async () => {
        start({ connections: 1 })
        dns.domain('b.example', ['127.0.0.1'])
        await lanes.lanes.routeOf('b.example')
        const order = []
        const letGo = hold(server)
        const busy = Array.from({ length: 60 }, (_, i) =>
            lanes.send(`ann${i}@a.example`).then(() => order.push('a')),
        )
        await waitFor(() => lanes.lanes.counts.inFlight === 1, 'a busy connection')
        const small = lanes.send('ann@b.example').then(() => order.push('b'))
        letGo()
        await Promise.all([...busy, small])
        assert.ok(order.indexOf('b') < 40, `it came after ${order.indexOf('b')} of 60`)
    })

    test('of one lane give way to a route that has none', async () => {
        start()
        dns.domain('one.example', ['127.0.0.1'], { host: 'mx1.shared.example' })
        dns.domain('two.example', ['127.0.0.1'], { host: 'mx2.shared.example' })
        lanes.shaper('shared.example').connectionsLimit = 1
        const order = []
        const send = (to) => lanes.send(to).then(() => order.push(to.slice(-11)))
        await send('ann@one.example')
        await send('ann@two.example')
        const letGo = hold(server)
        const sent = Array.from({ length: 60 }, (_, i) => send(`ann${i}@one.example`))
        await waitFor(() => lanes.lanes.counts.inFlight === 1, 'a busy connection')
        sent.push(send('bob@two.example'))
        letGo()
        await Promise.all(sent)
        assert.ok(order.indexOf('two.example', 2) < 40)
    })
})

describe('fairness', () => {
    test('a small team is not behind the thousands of another', async () => {
        start()
        const letGo = hold(server)
        lanes.shaper('a.example').connectionsLimit = 1
        const order = []
        const send = (teamId) => lanes.send('ann@a.example', { teamId }).then(() => order.push(teamId))
        const sent = Array.from({ length: 200 }, () => send(1))
        await waitFor(() => lanes.lanes.counts.waiting === 199, 'a full lane')
        sent.push(...Array.from({ length: 5 }, () => send(2)))
        letGo()
        await Promise.all(sent)
        assert.ok(order.lastIndexOf(2) < 20)
    })
})

describe('sources', () => {
    const source = (name, fields) => ({ ...SOURCE, name, ...fields })

    test('are those of the pool, and each says its own name', async () => {
        const sources = [
            source('bulk', { pools: ['engage'], address: '127.0.0.11', helo: 'bulk.kibamail.test' }),
            source('mail', { pools: ['send'], address: '127.0.0.12', helo: 'mail.kibamail.test' }),
        ]
        start({ sources })
        const bulk = await lanes.send('ann@a.example')
        const mail = await lanes.send('ann@a.example', { pool: 'send' })
        assert.deepEqual([bulk.source, bulk.sourceIp], ['bulk', '127.0.0.11'])
        assert.deepEqual([mail.source, mail.sourceIp], ['mail', '127.0.0.12'])
        assert.deepEqual(
            server.connections.map(({ commands }) => commands[0]),
            ['EHLO bulk.kibamail.test', 'EHLO mail.kibamail.test'],
        )
    })

    test("of the team are used for the team's mail, and for none else", async () => {
        start({ sources: [source('all'), source('own', { teamId: 7 })] })
        assert.equal((await lanes.send('ann@a.example', { teamId: 7 })).source, 'own')
        assert.equal((await lanes.send('ann@a.example', { teamId: 8 })).source, 'all')
    })

    test('share the mail of their pool', async () => {
        start({ sources: [source('one'), source('two')] })
        const outcomes = await Promise.all(many(20, 'a.example'))
        const bySource = outcomes.filter((outcome) => outcome.source === 'one').length
        assert.equal(bySource, 10)
    })

    test('of an IP version that the server does not have defer the mail', async () => {
        start({ sources: [source('six', { address: '::1' })] })
        const { results } = await lanes.send('ann@a.example')
        assert.equal(results[0].kind, 'deferred')
        assert.match(results[0].response, /cannot reach mx\.a\.example: other IP version/)
    })

    test('that are lacking defer the mail, and say so', async () => {
        start({ sources: [source('mail', { pools: ['send'] })] })
        const { results } = await lanes.send('ann@a.example')
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.3.5'])
        assert.match(results[0].response, /no source address serves the pool engage/)
    })

    test('that are drained give their waiting mail to the others of the pool', async () => {
        start({ sources: [source('one'), source('two')] })
        const one = lanes.shaper('a.example', 'one')
        const two = lanes.shaper('a.example', 'two')
        one.isPaused = two.isPaused = true
        const sent = many(10, 'a.example')
        await waitFor(() => lanes.lanes.state().every(({ waiting }) => waiting === 5), 'mail at both')
        one.diverts = true
        one.onChange()
        two.isPaused = false
        two.onChange()
        const outcomes = await Promise.all(sent)
        assert.deepEqual([...new Set(outcomes.map((outcome) => outcome.source))], ['two'])
    })

    test('that are gone give their waiting mail to the others', async () => {
        start({ sources: [source('one'), source('two')] })
        lanes.limit(1)
        const letGo = hold(server)
        const sent = many(10, 'a.example')
        await waitFor(() => lanes.lanes.counts.inFlight === 2, 'a mail under way from each')
        lanes.sources = [source('two')]
        await waitFor(() => lanes.lanes.state().length === 1, 'the end of the lane')
        letGo()
        const outcomes = await Promise.all(sent)
        assert.equal(outcomes.filter((outcome) => outcome.source === 'one').length, 1)
        await waitFor(() => server.open.length === 1, 'the end of its connection')
    })

    test('that are drained end their connections after the mail', async () => {
        start()
        const letGo = hold(server)
        const sent = many(3, 'a.example')
        await waitFor(() => lanes.lanes.counts.inFlight === 3, 'mails under way')
        lanes.shaper('a.example').diverts = true
        letGo()
        await Promise.all(sent)
        await waitFor(() => server.open.length === 0, 'the end of the connections')
    })
})

describe('a lane that is paused', () => {
    test('begins nothing, and goes on when it may', async () => {
        start()
        const shaper = lanes.shaper('a.example')
        shaper.isPaused = true
        const sent = many(3, 'a.example')
        await waitFor(() => lanes.lanes.counts.waiting === 3 && lanes.lanes.state().length, 'mail that waits')
        assert.equal(server.connections.length, 0)
        shaper.isPaused = false
        shaper.onChange()
        assert.deepEqual([...new Set(kinds(await Promise.all(sent)))], ['delivered'])
    })

    test('waits as long as it is told, and no longer', async () => {
        start()
        const shaper = lanes.shaper('a.example')
        await lanes.send('ann@a.example')
        const from = Date.now() + 60
        shaper.canSend = () => Math.max(0, from - Date.now())
        const sent = many(3, 'a.example')
        await Promise.all(sent)
        assert.ok(Date.now() >= from)
        assert.equal(server.texts.length, 4)
    })

    test('gives back what has waited too long', async () => {
        start()
        lanes.shaper('a.example').isPaused = true
        many(3, 'a.example')
        await waitFor(() => lanes.lanes.counts.waiting === 3 && lanes.lanes.state().length, 'mail that waits')
        assert.deepEqual(lanes.lanes.takeBack(60_000), [])
        const jobs = [...lanes.lanes.takeBack(0, 2), ...lanes.lanes.takeBack(0)]
        assert.deepEqual(
            jobs.map(({ recipients }) => recipients[0]),
            ['ann0@a.example', 'ann1@a.example', 'ann2@a.example'],
        )
        assert.deepEqual(lanes.lanes.counts, { waiting: 0, inFlight: 0, connections: 0 })
    })
})

test('the live view has a row for each lane', async () => {
    start()
    const letGo = hold(server)
    lanes.shaper('a.example').connectionsLimit = 1
    lanes.shaper('a.example').state = () => ({ per_minute: 6 })
    const sent = many(3, 'a.example')
    await waitFor(() => lanes.lanes.counts.inFlight === 1, 'a mail under way')
    assert.deepEqual(lanes.lanes.state(), [
        {
            source: 'default',
            provider: 'a.example',
            host: 'mx.a.example',
            connections: 1,
            in_flight: 1,
            waiting: 2,
            oldest_wait_s: 0,
            per_minute: 6,
        },
    ])
    letGo()
    await Promise.all(sent)
})

describe('closing', () => {
    test('lets mails under way end, and gives back those that wait', async () => {
        start()
        const letGo = hold(server)
        lanes.shaper('a.example').connectionsLimit = 2
        const sent = many(5, 'a.example')
        await waitFor(() => lanes.lanes.counts.inFlight === 2, 'mails under way')
        const closed = lanes.close()
        letGo()
        assert.equal((await closed).length, 3)
        assert.deepEqual(kinds(await Promise.all(sent.slice(0, 2))), ['delivered', 'delivered'])
        assert.deepEqual(lanes.lanes.counts, { waiting: 0, inFlight: 0, connections: 0 })
    })

    test('cuts at the deadline what does not end', async () => {
        start()
        hold(server)
        const sent = lanes.send('ann@a.example')
        await waitFor(() => lanes.lanes.counts.inFlight === 1, 'a mail under way')
        await waitFor(() => server.texts.length === 1, 'its dot')
        await lanes.lanes.close(Date.now())
        assert.equal((await sent).results[0].kind, 'unknown')
    })

    test('gives back the mails that are looked up', async () => {
        start()
        dns.zones.set('slow.example MX', { silent: true })
        lanes.send('ann@slow.example')
        assert.deepEqual(
            (await lanes.close()).map(({ domain }) => domain),
            ['slow.example'],
        )
    })
})
