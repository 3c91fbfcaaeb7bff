'use strict'

// Mails of submitters, made by chance and damaged by chance, given to all that reads them: the reader behind DATA, the
// rules of a text, the header, who wrote it, what it says to us, and the links that are followed. A mail is read or refused,
// however its octets come; what is written anew for a recipient keeps the fields, the lines and all that is no link.

const assert = require('node:assert/strict')
const { Header } = require('haraka-email-message')

const { authorDomain } = require('../../plugins/lib/author')
const { DataReader } = require('../../plugins/lib/data_reader')
const { Refusal } = require('../../plugins/lib/hook')
const { piecesOf } = require('../../plugins/lib/mime_pieces')
const { optionsOf } = require('../../plugins/lib/submission_options')
const { faultOf, headerFaultOf } = require('../../plugins/lib/text_faults')
const { TrackedMail } = require('../../plugins/lib/tracked_mail')

const ID = '01900000-0000-7000-8000-000000000001'
const TRACKING = {
    url: 'https://t.example',
    opens: true,
    clicks: true,
    secret: 'token-secret-of-the-fuzzer-of-mails',
    wayOut: '',
}
const HTML = '<html><body><p>Hi</p><a href="https://shop.example/?a=1&amp;b=2">go</a></body></html>\r\n'
const part = (type, text, encoding = '7bit') =>
    `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}`
const HEAD =
    'From: Ann <ann@news.acme.example>\r\nTo: bob@mailbox.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n'
const alternative = (boundary, ...parts) =>
    `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n${parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('')}--${boundary}--\r\n`
const SEEDS = [
    `${HEAD}\r\nHello\r\n`,
    `${HEAD}${part('text/html; charset=utf-8', HTML)}`,
    `${HEAD}${part('text/html', Buffer.from(HTML).toString('base64'), 'base64')}\r\n`,
    `${HEAD}${part('text/html', HTML.replaceAll('=', '=3D'), 'quoted-printable')}`,
    `${HEAD}${alternative('=_a', part('text/plain', 'Hello'), part('text/html', HTML))}`,
    `${HEAD}${alternative('=_a', part('text/plain', 'Hello'), alternative('=_b', part('text/html', HTML)))}`,
    `${HEAD}X-Kibamail-Tag: welcome\r\nX-Kibamail-Metadata: {"order": 17}\r\nX-Kibamail-Track: opens\r\n\r\nHello\r\n`,
    `${HEAD}${alternative('=_a', part('message/rfc822', `${HEAD}${part('text/html', HTML)}`), part('text/html', HTML))}`,
]
const HOSTILE = [
    '\r\n', '\r', '\n', '\0', '\r\n.\r\n', '\n.\n', '\r\n\r\n', '\r\n ', '--=_a\r\n', '--=_a--\r\n', '--=_b--', ':', ' ', '\t', '=?x?q?', '=?utf-8?B?gICA?=',
    '=?utf-8?q?=0D=0ABcc:_x@evil.example?=', 'From: x@evil.example\r\n', '\r\nFrom: x@evil.example', 'Content-Type: multipart/mixed\r\n', 'boundary=""',
    'Content-Type: message/rfc822\r\n\r\n', 'Content-Transfer-Encoding: base64\r\n', 'charset=utf-16', '<a href="https://a.example/">', '<a href=\'', '<!--', '</body>',
    '<script>', '<a href=https://x.example/%0d%0a>', '&#13;&#10;', '\u2028', '\xff', '\x85', '<', '"', '(', ','.repeat(300), '<'.repeat(300), '('.repeat(200),
    'a'.repeat(990), 'X-Kibamail-Send-At: 2026-12-01T09:00:00+01:00\r\n', 'X-Kibamail-Nope: 1\r\n', 'X-Kibamail-Metadata: {"__proto__": 1}\r\n',
] // prettier-ignore

const pool = SEEDS.map((text) => Buffer.from(text, 'latin1'))
const known = new Set()
const MOST_SEEDS = 2000
const REFUSED = 'no header section'

function damaged(dice) {
    let mail = dice.one(pool)
    for (let times = 1 + dice.roll(4); times > 0; times--) {
        const at = dice.roll(mail.length + 1)
        const to = at + dice.roll(dice.one([1, 2, 8, 64]))
        const put = dice.one([
            Buffer.from(dice.one(HOSTILE), 'latin1'),
            Buffer.from(dice.one(HOSTILE).repeat(dice.roll(30)), 'latin1'),
            Buffer.from([dice.roll(256)]),
            mail.subarray(at, to),
        ])
        mail = Buffer.concat([mail.subarray(0, at), put, mail.subarray(to)])
    }
    return mail.subarray(0, 200_000)
}

async function execute(dice) {
    const mail = damaged(dice)
    judgeReader(mail, dice)
    const fault = faultOf(mail)
    assert.equal(fault !== null, isFaulty(mail.latin1Slice()), `the fault is ${fault}`)
    const header = judgeHeader(mail)
    const said = [
        fault?.slice(0, 20),
        header,
        await judgeTracking(mail, fault !== null || header === REFUSED),
    ].join()
    if (!known.has(said) && pool.length < MOST_SEEDS) {
        known.add(said)
        pool.push(mail)
    }
    return said
}

/** In whatever pieces the octets come, the text ends at the same place and is the same. */
function judgeReader(mail, dice) {
    const wire = Buffer.concat([mail, Buffer.from('\r\n.\r\nQUIT\r\n')])
    const read = (next) => {
        const reader = new DataReader(1 << 20)
        for (let at = 0; ;) {
            const size = next()
            const behind = reader.feed(wire.subarray(at, at + size))
            at += size
            if (behind !== null) return [reader.text(), Buffer.concat([behind, wire.subarray(at)])]
        }
    }
    const [text, behind] = read(() => wire.length)
    const [again, behindAgain] = read(() => 1 + dice.roll(40))
    assert.ok(text.equals(again) && behind.equals(behindAgain), 'the pieces do not matter')
    const plain = `\r\n${wire.latin1Slice()}`
    const end = plain.indexOf('\r\n.\r\n')
    assert.equal(text.latin1Slice(), plain.slice(2, end + 2).replace(/(^|\r\n)\./g, '$1'))
    assert.equal(behind.latin1Slice(), plain.slice(end + 5))
}

const isFaulty = (text) =>
    /\0|\r(?!\n)|(?<!\r)\n/.test(text) || text.split('\r\n').some((line) => line.length > 998)

function judgeHeader(mail) {
    const border = mail.indexOf('\r\n\r\n')
    const section = mail.subarray(0, border === -1 ? mail.length : border + 2).toString()
    if (border === -1 || headerFaultOf(section)) return REFUSED
    const header = new Header()
    header.parse([section])
    const said = []
    for (const read of [authorDomain, optionsOf]) {
        try {
            said.push(JSON.stringify(read(header)).slice(0, 40))
        } catch (err) {
            if (!(err instanceof Refusal)) throw err
            said.push(err.message.slice(0, 30))
            assert.match(err.enhanced, /^5\.\d\.\d$/)
        }
    }
    const [domain] = said
    if (domain.startsWith('"')) assert.match(domain, /^"[a-z0-9._-]+"?$/, 'the author is at a plain domain')
    header.get_decoded('Subject')
    return said.join()
}

async function judgeTracking(mail, isRefused) {
    const pieces = await piecesOf(mail)
    if (pieces === null) return 'whole'
    assert.ok(
        Buffer.concat(pieces.map((piece) => piece.raw ?? piece)).equals(mail),
        'the pieces are the mail',
    )
    const tracked = await TrackedMail.read(mail, TRACKING)
    if (tracked === null) return 'nothing'
    const text = tracked.textFor(ID)
    if (isRefused) return 'refused'
    assert.equal(faultOf(text), null, 'its lines are as they must be')
    const head = (of) => of.subarray(0, of.indexOf('\r\n\r\n')).latin1Slice()
    assert.equal(head(text), head(mail), 'the header section is as it was')
    return `${tracked.pieces.length} ${text.length > mail.length}`
}

module.exports = { start: async () => ({ execute, stop: async () => {} }) }
