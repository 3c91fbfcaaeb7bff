'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const { TEMPLATE } = require('./support/batch')
const { Edge } = require('./support/edge')

let edge

before(async () => {
    edge = await Edge.start()
})
after(() => edge.stop())

/** Answers each line of a client by the first of `replies` whose key it begins with; a function may do more. */
function script(replies) {
    return (socket) => {
        socket.write('220 scripted\r\n')
        socket.on('data', (data) => {
            const line = data.toString()
            const command = Object.keys(replies).find((key) => line.toUpperCase().startsWith(key))
            const reply = replies[command] ?? '250 ok'
            if (typeof reply === 'function') reply(socket)
            else socket.write(`${reply}\r\n`)
        })
    }
}

// Retries take seconds: side by side.
describe('a mail', { concurrency: true }, () => {
    test('goes over TLS where the receiver offers it, whoever vouches for its certificate', async () => {
        await edge.send('tls@mailbox.example')
        const { secure } = await edge.mailbox.mailTo('tls@mailbox.example')
        const { tls } = await edge.webhook.event({ type: 'delivered', recipient: 'tls@mailbox.example' })
        assert.deepEqual([secure, tls], [true, true])
    })

    test('is reported with the server, the addresses and the whole conversation', async () => {
        await edge.send('told@fresh.example')
        const event = await edge.webhook.event({ type: 'delivered', recipient: 'told@fresh.example' })
        assert.equal(event.mx, 'mx.fresh.example')
        assert.equal(event.ip, '127.0.0.1')
        assert.equal(event.source_ip, '127.0.0.1')
        assert.equal(event.port, edge.mailbox.smtpPort)
        assert.deepEqual([event.code, event.enhanced, event.response], [250, '2.0.0', 'taken'])
        assert.equal(event.attempt, 1)
        assert.deepEqual(
            [event.provider, event.tls_version, event.connection_mail],
            ['fresh.example', 'TLSv1.3', 1],
        )
        assert.ok(event.delay_ms >= 0)
        const steps = event.conversation.map(({ step }) => step)
        assert.deepEqual(steps, ['connect', 'helo', 'starttls', 'helo', 'mail', 'rcpt', 'data', 'dot'])
        assert.ok(event.conversation.every(({ ms, reply }) => Number.isInteger(ms) && reply.length > 3))
    })

    test('that is greylisted is deferred, and delivered at the next attempt', async () => {
        edge.mailbox.answer('grey@mailbox.example', (attempt) => attempt === 1 && [451, '4.7.1 greylisted'])
        await edge.send('grey@mailbox.example')
        const deferred = await edge.webhook.event({ type: 'deferred', recipient: 'grey@mailbox.example' })
        assert.deepEqual([deferred.code, deferred.enhanced, deferred.response], [451, '4.7.1', 'greylisted'])
        assert.deepEqual([deferred.attempt, deferred.next_attempt_in_s], [1, 1])
        const refusal = deferred.conversation.find(({ step }) => step === 'rcpt')
        assert.equal(refusal.reply, '451 4.7.1 greylisted')
        const delivered = await edge.webhook.event({ type: 'delivered', recipient: 'grey@mailbox.example' })
        assert.equal(delivered.attempt, 2)
    })

    test('that is refused for good has bounced at once, and nobody gets a DSN', async () => {
        edge.mailbox.answer('gone@mailbox.example', () => [550, '5.1.1 no such user'])
        await edge.send('gone@mailbox.example')
        const { from_domain: domain, ...event } = await edge.webhook.event({
            type: 'bounced',
            recipient: 'gone@mailbox.example',
        })
        assert.deepEqual([event.code, event.enhanced, event.response], [550, '5.1.1', 'no such user'])
        assert.equal(event.attempt, 1)
        assert.deepEqual(edge.mailbox.mailsTo(`hello@${domain}`), [])
        assert.deepEqual(edge.mailbox.mailsTo(event.envelope_sender), [])
    })

    test('that is deferred by the last attempt too has bounced', async () => {
        edge.mailbox.answer('full@mailbox.example', () => [452, '4.2.2 mailbox full'])
        await edge.send('full@mailbox.example')
        const event = await edge.webhook.event({ type: 'bounced', recipient: 'full@mailbox.example' })
        assert.deepEqual([event.code, event.enhanced, event.attempt], [452, '4.2.2', 3])
        assert.match(event.response, /^Given up after the last attempt: mailbox full$/)
        const deferrals = edge.webhook.events.filter(
            ({ type, recipient }) => type === 'deferred' && recipient === 'full@mailbox.example',
        )
        assert.deepEqual(
            deferrals.map(({ attempt }) => attempt),
            [1, 2],
        )
    })

    test('to a domain that does not exist has bounced', async () => {
        for (const name of ['nowhere.example', 'mx.nowhere.example']) edge.mailbox.zones.set(name, 'nxdomain')
        await edge.send('ann@nowhere.example')
        const event = await edge.webhook.event({ type: 'bounced', recipient: 'ann@nowhere.example' })
        assert.deepEqual([event.code, event.enhanced, event.mx, event.tls], [null, '5.1.2', null, null])
        assert.match(event.response, /no server takes mail for nowhere\.example/)
    })

    test('to a domain whose DNS fails is deferred', async () => {
        edge.mailbox.zones.set('lame.example', 'servfail')
        await edge.send('ann@lame.example')
        const event = await edge.webhook.event({ type: 'deferred', recipient: 'ann@lame.example' })
        assert.match(event.response, /ESERVFAIL/)
    })

    test('to a server that nobody answers at is deferred, with the reason', async () => {
        const server = await edge.mailbox.serve('closed.example', () => {})
        await new Promise((resolve) => server.close(resolve))
        await edge.send('ann@closed.example')
        const event = await edge.webhook.event({ type: 'deferred', recipient: 'ann@closed.example' })
        assert.match(event.response, /mx\.closed\.example \[127\.0\.0\.\d\]: connect ECONNREFUSED/)
        assert.deepEqual([event.code, event.mx, event.conversation], [null, 'mx.closed.example', []])
    })

    test('whose connection is lost is deferred, with the step', async () => {
        const server = await edge.mailbox.serve(
            'lost.example',
            script({ RCPT: (socket) => socket.destroy() }),
        )
        await edge.send('ann@lost.example')
        const event = await edge.webhook.event({ type: 'deferred', recipient: 'ann@lost.example' })
        assert.match(event.response, /connection lost at rcpt/)
        assert.deepEqual(event.conversation.at(-1), { step: 'rcpt', ms: null, reply: '' })
        server.close()
    })

    test('whose connection was lost uses TLS at the next attempt all the same', async () => {
        const asked = new Promise((resolve) => {
            let connections = 0
            const withTls = { EHLO: '250-reset\r\n250 STARTTLS', STARTTLS: resolve }
            edge.mailbox.serve('reset.example', (socket) => {
                const replies = connections++ === 0 ? { RCPT: () => socket.resetAndDestroy() } : withTls
                script(replies)(socket)
            })
        })
        await edge.send('ann@reset.example')
        const event = await edge.webhook.event({ type: 'deferred', recipient: 'ann@reset.example' })
        assert.match(event.response, /connection lost at rcpt/)
        await asked
    })

    test('to a server whose TLS is broken goes in the clear over another connection', async () => {
        let inData = false
        const replies = {
            EHLO: '250-broken\r\n250 STARTTLS',
            STARTTLS: '220 go', // and whatever comes then is answered in the clear
            DATA: (socket) => {
                inData = true
                socket.write('354 go\r\n')
            },
        }
        const server = await edge.mailbox.serve('oldtls.example', script(replies))
        await edge.send('ann@oldtls.example')
        const event = await edge.webhook.event({ type: 'delivered', recipient: 'ann@oldtls.example' })
        assert.deepEqual([event.tls, event.attempt, inData], [false, 1, true])
        server.close()
    })

    test('of several megabytes arrives whole', async () => {
        const text = 'A line of a large mail.\r\n.and one with a dot\r\n'.repeat(60_000)
        const chunks = [...TEMPLATE.chunks.slice(0, -1), TEMPLATE.chunks.at(-1) + text]
        await edge.send('large@mailbox.example', {}, { templates: [{ ...TEMPLATE, chunks }] })
        const { raw } = await edge.mailbox.mailTo('large@mailbox.example')
        assert.ok(raw.length > 2_500_000)
        assert.ok(raw.toString().endsWith(text.slice(-10_000)), 'the end is as it was')
        const resolver = async () => [[`v=DKIM1; p=${edge.keys.publicKey.toString('base64')}`]]
        const { results } = await dkimVerify(raw, { resolver })
        assert.equal(results[0].status.result, 'pass')
    })

    test('to an address in its own script asks for SMTPUTF8', async () => {
        const commands = []
        const server = await edge.mailbox.serve('utf8.example', (socket) => {
            script({ EHLO: '250-utf8\r\n250-8BITMIME\r\n250 SMTPUTF8', DATA: '354 go' })(socket)
            socket.on('data', (data) => commands.push(data.toString()))
        })
        await edge.send('jörg@utf8.example', { smtputf8: 1 })
        await edge.webhook.event({ type: 'delivered', recipient: 'jörg@utf8.example' })
        assert.match(commands.join(''), /MAIL FROM:<\S+> .*SMTPUTF8\r\nRCPT TO:<jörg@utf8\.example>\r\n/)
        server.close()
    })
})
