'use strict'

// What a receiving server may say, by chance, to the client that delivers: a real connection, to a server that answers
// with damaged replies, too many or too few of them, or never. Each mail must have one result for each recipient, and be
// delivered only where a server has its text and said 2xx behind it.

const assert = require('node:assert/strict')
const { setImmediate: turn } = require('node:timers/promises')

const { classify } = require('../../plugins/lib/replies')
const { parseReply } = require('../../plugins/lib/reply')
const { DnsServer } = require('../support/dns_server')
const { TestLanes } = require('../support/lanes')
const { SILENCE, SmtpServer } = require('../support/smtp_server')

const TIMEOUTS = Object.fromEntries(
    ['connect', 'greeting', 'helo', 'mail', 'rcpt', 'data', 'block', 'dot', 'reset', 'quit'].map((step) => [
        step,
        40,
    ]),
)
const RECIPIENTS = ['ann@a.example', 'bob@a.example']
const VERBS = ['GREETING', 'EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'DOT', 'RSET']
const CODES = [
    '220',
    '250',
    '250',
    '250',
    '354',
    '421',
    '450',
    '451',
    '452',
    '500',
    '502',
    '550',
    '552',
    '554',
    '199',
    '600',
    '25',
    '2500',
    'abc',
    '',
]
const PIECES = [
    ' ', '-', '2.0.0 ok', '5.1.1 no such user', '4.7.0 later', '5.', '\r\n', '\n', '\r', '\0', '\r\n250 ', '\r\n550 5.7.1 ', '\r\n354 go',
    'x'.repeat(300), 'x'.repeat(5000), '250-'.repeat(50), '\r\n250-a'.repeat(300), '\xff\xfe', 'ü', '\u2028', '421 4.4.2 bye', 'PIPELINING', 'SIZE 10',
    'SIZE 99999999999999999999', 'STARTTLS', '8BITMIME', 'too many connections', 'rate limited', '.', '',
] // prettier-ignore

/** A reply that keeps the form, or one that does as it likes. */
function reply(dice) {
    const code = dice.one(CODES)
    if (dice.roll(3) === 0) return `${code}${dice.some(PIECES, 4).join('')}`
    return `${code}${dice.one([' ', '-'])}${dice.some(PIECES, 2).join('')}`
}

// Whoever is silent is given up within a second or so: meanwhile others are talked to.
const SIDE_BY_SIDE = 40

class Talk {
    async start() {
        this.dns = await new DnsServer().start()
        this.server = await new SmtpServer().start()
        this.dns.domain('a.example', ['127.0.0.1'])
        this.lanes = new TestLanes({ dns: this.dns, port: this.server.port, timeouts: TIMEOUTS })
        return this
    }

    async stop() {
        await this.lanes.close()
        await this.server.stop()
        await this.dns.stop()
    }

    async execute(dice) {
        judgeText(dice)
        const { server } = this
        server.connections = server.open
        for (const { texts } of server.connections) texts.length = 0
        server.replies = Object.fromEntries(
            dice.some(VERBS, 2).map((verb) => [verb, (connection) => this.#say(connection, dice)]),
        )
        const outcome = await this.lanes.send(RECIPIENTS)
        await turn()
        assert.deepEqual(
            outcome.results.map(({ recipient }) => recipient),
            RECIPIENTS,
        )
        for (const { kind, code, response } of outcome.results) {
            assert.ok(['delivered', 'deferred', 'refused', 'unknown'].includes(kind), kind)
            assert.equal(typeof response, 'string')
            assert.ok(code === null || (code >= 200 && code <= 599), `the code ${code}`)
            // One that answered twice may have said 354 and 250 in time for two others: it said that it has the mail.
            if (kind === 'delivered' && !server.connections.some(({ isAhead }) => isAhead)) {
                assert.ok(
                    server.texts.length > 0,
                    `delivered, and no server has the text: ${this.#told(outcome)}`,
                )
            }
        }
        for (const { reply: shown } of outcome.conversation) assert.ok(shown.length <= 300)
        return outcome.results.map(({ kind, code, enhanced }) => `${kind} ${code} ${enhanced}`).join()
    }

    #say(connection, dice) {
        if (dice.roll(40) === 0) return SILENCE
        const said = reply(dice)
        connection.isAhead ||= repliesIn(said) > 1
        return said
    }

    #told(outcome) {
        const heard = this.server.connections.map(({ commands, texts }) => ({
            commands: commands.slice(-12),
            texts,
        }))
        return JSON.stringify({ outcome, heard })
    }
}

/** @returns {number} in the words of RFC 5321 section 4.2.1, by a reader that shares nothing with ours */
const repliesIn = (text) => text.split('\n').filter((line) => /^\d{3}(?!-)/.test(line)).length

/** The parser alone, as fast as it goes. */
function judgeText(dice) {
    for (let times = 0; times < 20; times++) {
        const text = Array.from({ length: 1 + dice.roll(3) }, () => reply(dice)).join('\n')
        const parsed = parseReply(text)
        if (parsed === null) continue
        assert.ok(Number.isInteger(parsed.code) && parsed.code >= 0 && parsed.code <= 999)
        assert.ok(parsed.text.length <= text.length)
        assert.ok(parsed.enhanced === null || /^[245]\.\d{1,3}\.\d{1,3}$/.test(parsed.enhanced))
        classify(parsed)
    }
}

async function start() {
    const talks = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => new Talk().start()))
    return {
        sideBySide: SIDE_BY_SIDE,
        slowMs: 60_000, // a step after the other is given up
        execute: (dice, place) => talks[place].execute(dice),
        stop: () => Promise.all(talks.map((talk) => talk.stop())),
    }
}

module.exports = { start }
