'use strict'

const assert = require('node:assert/strict')
const { createHash, generateKeyPairSync } = require('node:crypto')
const test = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const { signParts, signatures } = require('../plugins/lib/dkim')
const { Dice } = require('./support/dice')

const DOMAIN = 'acme.example'
const NOW = 1795514400
const RSA = key('rsa', { modulusLength: 2048 })
const ED25519 = key('ed25519')

function key(type, options) {
    const { publicKey, privateKey } = generateKeyPairSync(type, options)
    const selector = `${type}-1`
    return {
        domain: DOMAIN,
        selector,
        algorithm: `${type}-sha256`,
        privateKey,
        record: record(type, publicKey),
    }
}

function record(type, publicKey) {
    const der = publicKey.export({ type: 'spki', format: 'der' })
    // RFC 8463 section 4: the bare 32 bytes, which end the DER form.
    const p = type === 'ed25519' ? der.subarray(-32) : der
    return `v=DKIM1; k=${type}; p=${p.toString('base64')}`
}

const bytes = (text) => Buffer.from(text, 'latin1')

const HEADERS = [
    'From: "Ann, of Acme" <ann@acme.example>',
    'To: bob@mailbox.example',
    'Subject: a  long\r\n\tfolded   subject',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    'Message-ID: <1@acme.example>',
    'List-Unsubscribe: <https://acme.example/u/1>',
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
]

async function signed(headers, body, keys = [RSA]) {
    const mail = [...headers, '', body].join('\r\n')
    const values = await signatures(bytes(mail), keys)
    return [...values.map((value) => `DKIM-Signature: ${value}`), mail].join('\r\n')
}

/** An independent implementation's verdict on each signature: `pass`, `fail` or `neutral`. */
async function verdicts(mail) {
    const records = Object.fromEntries(
        [RSA, ED25519].map((by) => [`${by.selector}._domainkey.${DOMAIN}`, by.record]),
    )
    const resolver = async (name, type) => {
        assert.equal(type, 'TXT')
        return [[records[name]]]
    }
    const { results } = await dkimVerify(Buffer.from(mail, 'latin1'), { resolver })
    return results.map(({ status }) => status.result)
}

const BODIES = {
    'an empty body': '',
    'one line': 'Hello.\r\n',
    'no line end at the end': 'Hello.',
    'white space within and at the end of lines': 'a \t b\t \r\n\t\r\n  c  \r\n',
    'empty lines at the end': 'a\r\n\r\n\r\n\r\n',
    'nothing but empty lines': '\r\n\r\n\r\n',
    'nothing but white space': ' \t',
    'a line of white space at the end': 'a\r\n \t\r\n',
    'bytes above 127': Buffer.from('Grüße\r\n').toString('latin1'),
    'lines that begin with a dot': '.\r\n..a\r\n',
    'more than a mail usually has': 'a  b\r\n'.repeat(100_000),
}
for (const [what, body] of Object.entries(BODIES)) {
    test(`both signatures over ${what} verify`, async () => {
        assert.deepEqual(await verdicts(await signed(HEADERS, body, [RSA, ED25519])), ['pass', 'pass'])
    })
}

test('folding and case of a signed header may change on the way', async () => {
    const mail = await signed(HEADERS, 'Hello.\r\n')
    const changed = mail.replace('Subject: a  long\r\n\tfolded', 'SUBJECT:   a long folded')
    assert.notEqual(changed, mail)
    assert.deepEqual(await verdicts(changed), ['pass'])
})

for (const name of ['From', 'To', 'Cc', 'Subject', 'Date', 'Message-ID', 'Reply-To', 'Content-Type']) {
    test(`a second ${name} breaks both signatures`, async () => {
        const mail = await signed(HEADERS, 'Hello.\r\n', [RSA, ED25519])
        const changed = mail.replace('\r\nFrom:', `\r\n${name}: other@evil.example\r\nFrom:`)
        assert.deepEqual(await verdicts(changed), ['fail', 'fail'])
    })
}

for (const name of ['List-Unsubscribe', 'List-Unsubscribe-Post']) {
    test(`${name} is signed, as RFC 8058 asks for`, async () => {
        const mail = await signed(HEADERS, 'Hello.\r\n')
        assert.deepEqual(await verdicts(mail.replace(`\r\n${name}: `, `\r\n${name}: x`)), ['fail'])
    })
}

test('a changed body breaks the signature', async () => {
    const mail = await signed(HEADERS, 'Hello.\r\n')
    assert.deepEqual(await verdicts(mail.replace('Hello', 'Hallo')), ['neutral'])
})

test('no line of the signature is longer than 78 characters (RFC 5322, 2.1.1)', async () => {
    const [value] = await signatures(bytes(`${HEADERS.join('\r\n')}\r\n\r\n`), [RSA])
    for (const line of `DKIM-Signature: ${value}`.split('\r\n')) assert.ok(line.length <= 78, line)
})

// Mails in pieces

const BODY_BITS = [
    ' ',
    '\t',
    '  ',
    '\r\n',
    '\r\n\r\n',
    ' \r\n',
    '\r\n ',
    'a',
    'bc',
    '.',
    '=',
    '\xe9',
    '\r\n.\r\n',
]
const VALUE_BITS = ['', ' ', '  ', 'x', 'Ann <a@b.example>', '\xc3\xa9', '\r\n y', '\r\n\t z', '\t']
const AUTHOR = 'From: Acme <news@acme.example>'
const TEMPLATE_HEADERS = [
    AUTHOR,
    'To: \0',
    'Subject:\0',
    'Subject: Hello \0 \0\r\n of\0Acme',
    'Date: \0 +0000',
    'Message-ID: <\0@acme.example>',
    'List-Unsubscribe: <https://acme.example/u/\0>,\r\n <mailto:u-\0@acme.example>',
    'X-Other: \0',
    'Cc: \0\0',
    'MIME-Version: 1.0',
]

/** A template and the values of one of its mails; \0 marks a value's place. */
function mailInPieces(dice) {
    const header = [AUTHOR, ...dice.some(TEMPLATE_HEADERS, 8)].map((field) => `${field}\r\n`)
    const body = dice.some([...BODY_BITS, '\0', '\0'], 30)
    const chunks = [...header, '\r\n', ...body, '\r\n'].join('').split('\0')
    const ofHeader = header.join('').split('\0').length - 1
    const values = chunks.slice(1).map((_, i) => dice.some(i < ofHeader ? VALUE_BITS : BODY_BITS, 4).join(''))
    return { template: { chunks: chunks.map(bytes) }, values: values.map(bytes) }
}

function assembled({ template, values }) {
    return Buffer.concat(template.chunks.flatMap((chunk, i) => (i === 0 ? [chunk] : [values[i - 1], chunk])))
}

/** RFC 6376 section 3.4.4, written the other way: on the whole body, by patterns. */
function hashOf(body) {
    const relaxed = body
        .latin1Slice()
        .replace(/[ \t]+/g, ' ')
        .replace(/ (?=\r\n|$)/g, '')
        .replace(/(\r\n)+$/, '')
    return createHash('sha256')
        .update(bytes(relaxed && `${relaxed}\r\n`))
        .digest('base64')
}

test('a mail in pieces is signed as the same mail in one piece, wherever the borders lie', async () => {
    const dice = new Dice(6376)
    for (let i = 0; i < 4000; i++) {
        const mail = mailInPieces(dice)
        const whole = assembled(mail)
        const fields = (await signParts(mail.template, mail.values, [ED25519], NOW)).latin1Slice()
        const [value] = await signatures(whole, [ED25519], NOW)
        assert.equal(fields, `DKIM-Signature: ${value}\r\n`, JSON.stringify(whole.latin1Slice()))
        const body = whole.subarray(whole.indexOf('\r\n\r\n') + 4)
        assert.ok(fields.includes(`bh=${hashOf(body)};`), JSON.stringify(body.latin1Slice()))
    }
})

test('both signatures of mails in pieces verify, for each mail of a template', async () => {
    const dice = new Dice(8463)
    for (let i = 0; i < 60; i++) {
        const { template, values } = mailInPieces(dice)
        for (const own of [values, values.map(() => bytes('x')), values]) {
            const fields = await signParts(template, own, [RSA, ED25519])
            const mail = Buffer.concat([fields, assembled({ template, values: own })]).latin1Slice()
            assert.deepEqual(await verdicts(mail), ['pass', 'pass'], JSON.stringify(mail))
        }
    }
})

test('more mails at once than the threads are given are all signed', async () => {
    const { template, values } = mailInPieces(new Dice(1))
    const once = await signParts(template, values, [RSA], NOW)
    const all = await Promise.all(Array.from({ length: 200 }, () => signParts(template, values, [RSA], NOW)))
    for (const fields of all) assert.deepEqual(fields, once)
})

test('a value in the name of a field is no mail that can be signed', async () => {
    const template = { chunks: [bytes('From: a@acme.example\r\nX-'), bytes(': 1\r\n\r\nHello')] }
    await assert.rejects(signParts(template, [bytes('Y')], [RSA]), /name of a header field: X-/)
})

test('chunks without an empty line are no mail that can be signed', async () => {
    await assert.rejects(signParts({ chunks: [bytes('From: a@acme.example\r\n')] }, [], [RSA]), /empty line/)
})

test('a body of line ends alone is hashed in time', async () => {
    await signatures(bytes(`From: a@acme.example\r\n${'\r\n'.repeat(2_000_000)}x`), [RSA])
})
