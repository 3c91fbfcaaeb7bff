'use strict'

const assert = require('node:assert/strict')
const { afterEach, beforeEach, describe, test } = require('node:test')

const { DnsServer } = require('./support/dns_server')
const { TestLanes } = require('./support/lanes')
const { SILENCE, SmtpServer } = require('./support/smtp_server')
const { waitFor } = require('./support/wait')

const ANN = 'ann@a.example'
const BOB = 'bob@a.example'

let dns
let server
let lanes

beforeEach(async () => {
    dns = await new DnsServer().start()
    server = await new SmtpServer().start()
    dns.domain('a.example', ['127.0.0.1'])
    lanes = new TestLanes({ dns, port: server.port })
})
afterEach(async () => {
    await lanes.close()
    await server.stop()
    await dns.stop()
})

const steps = ({ conversation }) => conversation.map(({ step }) => step)
const kinds = ({ results }) => results.map(({ kind }) => kind)
const without = (keyword) => {
    server.extensions = server.extensions.filter((line) => !line.startsWith(keyword))
}

describe('a mail', () => {
    test('is delivered, and told with server, addresses and conversation', async () => {
        const outcome = await lanes.send(ANN)
        assert.deepEqual(outcome.results, [
            { recipient: ANN, kind: 'delivered', code: 250, enhanced: '2.0.0', response: 'taken' },
        ])
        const { mx, ip, port, sourceIp, source, provider, tls, tlsVersion, connectionMail } = outcome
        assert.deepEqual([mx, ip, port, sourceIp], ['mx.a.example', '127.0.0.1', server.port, '127.0.0.1'])
        assert.deepEqual([source, provider], ['default', 'a.example'])
        assert.deepEqual([tls, tlsVersion, connectionMail], [false, null, 1])
        assert.deepEqual(steps(outcome), ['connect', 'helo', 'mail', 'rcpt', 'data', 'dot'])
        assert.ok(outcome.conversation.every(({ ms, reply }) => Number.isInteger(ms) && reply.length > 3))
        assert.deepEqual([outcome.faults, outcome.lookupError], [[], null])
    })

    test('after the first goes over the same connection, and tells its own steps', async () => {
        await lanes.send(ANN)
        const outcome = await lanes.send(BOB)
        assert.deepEqual(steps(outcome), ['mail', 'rcpt', 'data', 'dot'])
        assert.equal(outcome.connectionMail, 2)
        assert.equal(server.connections.length, 1)
    })

    test('arrives with its dots, whatever parts it is in', async () => {
        const text = 'Subject: x\r\n\r\n.\r\n..\r\na.b\r\n.end\r\n'
        for (const size of [1, 3, 1000]) {
            const parts = text.match(new RegExp(`[^]{1,${size}}`, 'g')).map((part) => Buffer.from(part))
            await lanes.send(ANN, { content: async () => parts })
        }
        assert.deepEqual(server.texts, Array(3).fill(text.slice(0, -2)))
    })

    test('of several megabytes arrives whole', async () => {
        const text = 'A line of a large mail.\r\n'.repeat(150_000)
        const outcome = await lanes.send(ANN, { content: async () => [Buffer.from(text)] })
        assert.deepEqual(kinds(outcome), ['delivered'])
        assert.equal(server.texts[0], text.slice(0, -2))
    })

    test('without a sender is sent so', async () => {
        await lanes.send(ANN, { sender: '' })
        assert.match(server.commands[1], /^MAIL FROM:<> /)
    })

    test('tells how large it is, and that it may have eight bits', async () => {
        await lanes.send(ANN, { size: 4321 })
        assert.equal(server.commands[1], 'MAIL FROM:<b-1@kb.news.example> SIZE=4321 BODY=8BITMIME')
    })

    test('is noted before its first byte is sent, but not before its commands are', async () => {
        let note
        const noted = new Promise((resolve) => (note = resolve))
        const sent = lanes.send(ANN, { intend: () => noted })
        await waitFor(() => server.commands.includes('DATA'), 'DATA')
        assert.deepEqual(server.texts, [])
        note()
        assert.deepEqual(kinds(await sent), ['delivered'])
    })

    test('whose text cannot be made is deferred, and nothing of it is taken', async () => {
        const fail = async () => {
            throw new Error('no key')
        }
        for (const broken of [{ content: fail }, { intend: fail }]) {
            const outcome = await lanes.send(ANN, broken)
            assert.deepEqual(kinds(outcome), ['deferred'])
            assert.equal(outcome.results[0].response, 'the text could not be made ready: no key')
        }
        assert.deepEqual(server.texts, [])
    })

    test('is not asked for its text before a connection will have it', async () => {
        let asked = 0
        lanes.shaper('a.example').isPaused = true
        lanes.send(ANN, { content: async () => [Buffer.from(String(asked++))] })
        await waitFor(
            () => lanes.lanes.counts.waiting === 1 && dns.asked('a.example MX'),
            'a mail that waits',
        )
        assert.equal(asked, 0)
    })
})

describe('commands', () => {
    test('go together to a server with PIPELINING', async () => {
        const chunks = []
        server.replies = {
            MAIL: (connection) => {
                chunks.push(connection.unread)
            },
        }
        await lanes.send(ANN)
        assert.equal(chunks[0], `RCPT TO:<${ANN}>\r\nDATA\r\n`)
    })

    test('go one by one to a server without it', async () => {
        without('PIPELINING')
        const unread = []
        for (const verb of ['MAIL', 'RCPT', 'DATA']) {
            server.replies[verb] = (connection) => {
                unread.push(connection.unread)
            }
        }
        const outcome = await lanes.send([ANN, BOB])
        assert.deepEqual(kinds(outcome), ['delivered', 'delivered'])
        assert.deepEqual(unread, ['', '', '', ''])
        assert.deepEqual(steps(outcome).slice(2), ['mail', 'rcpt', 'rcpt', 'data', 'dot'])
    })

    test('never follow the dot before its reply', async () => {
        let behind = null
        server.replies = {
            DOT: (connection) => {
                behind ??= connection.unread
            },
        }
        lanes.shaper('a.example').connectionsLimit = 1
        await Promise.all([lanes.send(ANN), lanes.send(BOB), lanes.send(ANN)])
        assert.equal(behind, '')
        assert.equal(server.connections.length, 1)
    })

    test('are HELO where a server does not know EHLO', async () => {
        server.replies = { EHLO: '502 5.5.2 what?' }
        const outcome = await lanes.send(ANN)
        assert.deepEqual(kinds(outcome), ['delivered'])
        assert.deepEqual(steps(outcome).slice(0, 3), ['connect', 'helo', 'helo'])
        assert.equal(server.commands[2], 'MAIL FROM:<b-1@kb.news.example>')
    })
})

describe('a refusal', () => {
    const CASES = {
        MAIL: ['550 5.7.1 no', 'refused', 'mail'],
        RCPT: ['550 5.1.1 no such user', 'refused', 'rcpt'],
        DATA: ['451 4.3.0 later', 'deferred', 'data'],
        DOT: ['552 5.3.4 too large', 'refused', 'dot'],
    }
    for (const pipelining of [true, false]) {
        for (const [command, [reply, kind, step]] of Object.entries(CASES)) {
            const how = pipelining ? 'with' : 'without'
            test(`of ${command} ${how} PIPELINING is told, and the connection stays of use`, async () => {
                if (!pipelining) without('PIPELINING')
                server.replies = { [command]: reply }
                lanes.shaper('a.example').connectionsLimit = 1
                const outcome = await lanes.send(ANN)
                const [code, enhanced, ...text] = reply.split(' ')
                assert.deepEqual(outcome.results, [
                    { recipient: ANN, kind, code: Number(code), enhanced, response: text.join(' ') },
                ])
                const decisive = lanes.shaper('a.example').answers.at(-1)
                assert.deepEqual([decisive.code, decisive.step], [Number(code), step])
                server.replies = {}
                assert.deepEqual(kinds(await lanes.send(BOB)), ['delivered'])
                assert.equal(server.connections.length, 1)
                assert.equal(server.commands.includes('RSET'), command !== 'DOT')
                assert.equal(server.texts.length, command === 'DOT' ? 2 : 1)
            })
        }
    }

    test('of one recipient leaves the others', async () => {
        server.replies = { [`RCPT TO:<${BOB.toUpperCase()}`]: '452 4.2.2 full' }
        const { results } = await lanes.send([ANN, BOB, 'cy@a.example'])
        assert.deepEqual(
            results.map(({ recipient, kind, code }) => [recipient, kind, code]),
            [
                [ANN, 'delivered', 250],
                [BOB, 'deferred', 452],
                ['cy@a.example', 'delivered', 250],
            ],
        )
        assert.equal(server.texts.length, 1)
    })

    test('of all recipients by a server that says 354 all the same gets a dot alone', async () => {
        server.replies = {
            RCPT: '550 5.1.1 no',
            DATA: '354 go',
            DOT: '554 5.5.1 no valid recipients',
        }
        assert.deepEqual(kinds(await lanes.send([ANN, BOB])), ['refused', 'refused'])
        server.replies = {}
        assert.deepEqual(kinds(await lanes.send(ANN)), ['delivered'])
        assert.deepEqual(server.texts, ['', 'Subject: Spring\r\n\r\nHello.'])
        assert.equal(server.connections.length, 1)
    })

    test('in several lines and in UTF-8 is read whole', async () => {
        server.replies = { RCPT: '550-5.1.1 Gibt es\r\n550 5.1.1 nicht, schöne Grüße' }
        const { results } = await lanes.send(ANN)
        assert.equal(results[0].response, 'Gibt es nicht, schöne Grüße')
    })
})

describe('a server without', () => {
    test('SMTPUTF8 gets no address outside ASCII', async () => {
        without('SMTPUTF8')
        const { results } = await lanes.send(['jörg@a.example', ANN])
        assert.deepEqual([results[0].kind, results[0].code, results[0].enhanced], ['refused', null, '5.6.7'])
        assert.equal(results[1].kind, 'delivered')
        assert.deepEqual(kinds(await lanes.send('jörg@a.example')), ['refused'])
        assert.ok(!server.commands.join().includes('jörg'))
    })

    test('SMTPUTF8 gets no header in UTF-8', async () => {
        without('SMTPUTF8')
        const { results } = await lanes.send(ANN, { smtputf8: true })
        assert.deepEqual([results[0].kind, results[0].enhanced], ['refused', '5.6.9'])
        assert.equal(server.texts.length, 0)
    })

    test('SMTPUTF8 gets a domain in its own script by its A-labels', async () => {
        without('SMTPUTF8')
        dns.domain('xn--bcher-kva.example', ['127.0.0.1'])
        assert.deepEqual(kinds(await lanes.send('ann@bücher.example')), ['delivered'])
        assert.ok(server.commands.includes('RCPT TO:<ann@xn--bcher-kva.example>'))
    })

    test('8BITMIME gets ASCII, but no more', async () => {
        without('8BITMIME')
        assert.deepEqual(kinds(await lanes.send(ANN)), ['delivered'])
        const eight = { content: async () => [Buffer.from('Subject: ü\r\n\r\n')] }
        const { results } = await lanes.send(ANN, eight)
        assert.deepEqual([results[0].kind, results[0].enhanced], ['refused', '5.6.3'])
        assert.equal(server.texts.length, 1)
        assert.ok(!server.commands.join().includes('8BITMIME'))
    })

    test('room for a mail is not sent it', async () => {
        without('SIZE')
        server.extensions.push('SIZE 1000')
        const { results } = await lanes.send(ANN, { size: 1001 })
        assert.deepEqual([results[0].kind, results[0].enhanced], ['refused', '5.3.4'])
        assert.deepEqual(server.texts, [])
        assert.deepEqual(kinds(await lanes.send(ANN, { size: 1000 })), ['delivered'])
    })
})

test('a server with SMTPUTF8 gets the address as it is', async () => {
    assert.deepEqual(kinds(await lanes.send('jörg@a.example')), ['delivered'])
    assert.match(server.commands[1], / SMTPUTF8$/)
    assert.equal(server.commands[2], 'RCPT TO:<jörg@a.example>')
})

describe('421', () => {
    for (const command of ['MAIL', 'RCPT', 'DATA', 'DOT']) {
        test(`to ${command} defers the mail and ends the connection`, async () => {
            server.replies = { [command]: '421 4.7.0 too much' }
            const { results } = await lanes.send(ANN)
            assert.deepEqual(
                [results[0].kind, results[0].code, results[0].enhanced, results[0].response],
                ['deferred', 421, '4.7.0', 'too much'],
            )
            await waitFor(() => server.open.length === 0, 'the end of the connection')
            assert.equal(lanes.shaper('a.example').answers.at(-1).code, 421)
        })
    }

    test('after a recipient was refused leaves that refusal', async () => {
        server.replies = { [`RCPT TO:<${ANN.toUpperCase()}`]: '550 5.1.1 no', DATA: '421 4.3.2 closing' }
        const { results } = await lanes.send([ANN, BOB])
        assert.deepEqual(
            results.map(({ code }) => code),
            [550, 421],
        )
    })

    test('to a mail on a kept connection sends it over another one', async () => {
        await lanes.send(ANN)
        let isFirst = true
        server.replies = {
            MAIL: () => {
                if (!isFirst) return undefined
                isFirst = false
                return '421 4.7.0 enough for this connection'
            },
        }
        const outcome = await lanes.send(BOB)
        assert.deepEqual([kinds(outcome), outcome.connectionMail], [['delivered'], 1])
        assert.match(outcome.faults[0], /^mx\.a\.example \[127\.0\.0\.1\]: it answered 421/)
        assert.equal(server.connections.length, 2)
    })

    test('that comes on its own ends an idle connection', async () => {
        await lanes.send(ANN)
        server.connections[0].wire.write('421 4.4.2 idle for too long\r\n')
        await waitFor(() => lanes.lanes.counts.connections === 0, 'the end of the connection')
        assert.deepEqual(kinds(await lanes.send(ANN)), ['delivered'])
    })
})

describe('a connection that is lost', () => {
    const hangUp = (connection) => {
        connection.socket.resetAndDestroy()
        return SILENCE
    }

    for (const command of ['MAIL', 'RCPT', 'DATA']) {
        test(`at ${command} defers the mail, and tells the step`, async () => {
            server.replies = { [command]: hangUp }
            const outcome = await lanes.send(ANN)
            const [{ kind, code, enhanced, response }] = outcome.results
            assert.deepEqual([kind, code, enhanced], ['deferred', null, '4.4.2'])
            // With PIPELINING replies that came with the reset are lost with it.
            assert.match(response, /^connection lost at (mail|rcpt|data): /)
            assert.equal(outcome.faults[0], `mx.a.example [127.0.0.1]: ${response}`)
            assert.deepEqual([outcome.conversation.at(-1).ms, outcome.conversation.at(-1).reply], [null, ''])
        })
    }

    test('after the dot leaves open whether the mail arrived', async () => {
        server.replies = { DOT: hangUp, [`RCPT TO:<${BOB.toUpperCase()}`]: '550 5.1.1 no' }
        const outcome = await lanes.send([ANN, BOB])
        assert.deepEqual(kinds(outcome), ['unknown', 'refused'])
        assert.deepEqual(outcome.conversation.at(-1), { step: 'dot', ms: null, reply: '' })
    })

    test('while a large mail is under way defers it: its dot was not sent', async () => {
        server.replies = {
            DATA: (connection) => {
                connection.wire.removeAllListeners('data')
                connection.wire.once('data', () => connection.socket.resetAndDestroy())
                return '354 go'
            },
        }
        const outcome = await lanes.send(ANN, { content: async () => [Buffer.alloc(20_000_000, 'a\r\n')] })
        assert.deepEqual(kinds(outcome), ['deferred'])
    })

    test('since the last mail has the next one go over another', async () => {
        await lanes.send(ANN)
        server.connections[0].socket.resetAndDestroy()
        const notes = []
        const outcome = await lanes.send(BOB, {
            intend: async () => notes.push('intended'),
            withdraw: () => notes.push('withdrawn'),
        })
        assert.deepEqual([kinds(outcome), outcome.connectionMail], [['delivered'], 1])
        assert.deepEqual(notes, ['intended', 'withdrawn', 'intended'])
    })

    test('since the last mail gives the next one back where its broadcast is held back by then', async () => {
        await lanes.send(ANN)
        server.connections[0].socket.resetAndDestroy()
        const intend = async () => {
            lanes.isHeld = () => true
        }
        await new Promise((heldBack) => lanes.send(BOB, { intend, heldBack }))
        assert.deepEqual([lanes.lanes.counts.waiting, lanes.lanes.counts.inFlight], [0, 0])
        assert.ok(!server.commands.some((command) => command.includes(BOB)))
    })

    const NO_ANSWERS = {
        'no SMTP': ['RCPT', 'hello?', /no SMTP reply: hello\?/],
        'yes and no at once': ['RCPT', '550-5.1.1 no\r\n250 ok', /no SMTP reply: 250 ok/],
        '250 to DATA': ['DATA', '250 ok', /out of turn/],
        'two replies to DATA': ['DATA', '354 go\r\n250 ok', /out of turn/],
    }
    for (const [what, [command, reply, told]] of Object.entries(NO_ANSWERS)) {
        test(`by a server that says ${what} delivers nothing`, async () => {
            server.replies = { [command]: reply }
            const [{ kind, response }] = (await lanes.send(ANN)).results
            assert.equal(kind, 'deferred')
            assert.match(response, told)
        })
    }

    test('since a server answered twice has the next mail go over another, and takes no answer of the last one', async () => {
        let isFirst = true
        server.replies = {
            DOT: () => {
                const reply = isFirst ? '250 2.0.0 taken\r\n550 5.0.0 no' : undefined
                isFirst = false
                return reply
            },
        }
        lanes.shaper('a.example').connectionsLimit = 1
        const outcomes = await Promise.all([lanes.send(ANN), lanes.send(BOB)])
        assert.deepEqual(outcomes.flatMap(kinds), ['delivered', 'delivered'])
        assert.equal(server.connections.length, 2)
    })
})

describe('a server that is silent', () => {
    const times = { greeting: 50, helo: 50, mail: 50, rcpt: 50, data: 50, dot: 50 }

    for (const [command, kind, step] of [
        ['MAIL', 'deferred', 'mail'],
        ['DOT', 'unknown', 'dot'],
    ]) {
        test(`at ${command} is given up in time`, async () => {
            const impatient = new TestLanes({ dns, port: server.port, timeouts: times })
            server.replies = { [command]: SILENCE }
            const { results } = await impatient.send(ANN)
            assert.deepEqual(
                [results[0].kind, results[0].response],
                [kind, `connection lost at ${step}: timed out`],
            )
            await impatient.close()
        })
    }

    test('at its greeting is given up in time', async () => {
        const impatient = new TestLanes({ dns, port: server.port, timeouts: times })
        server.replies = { GREETING: SILENCE }
        const { results } = await impatient.send(ANN)
        assert.deepEqual([results[0].kind, results[0].enhanced], ['deferred', '4.4.1'])
        assert.match(results[0].response, /timed out/)
        await impatient.close()
    })
})
