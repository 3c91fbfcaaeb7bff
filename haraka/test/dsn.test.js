'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { composeDsn } = require('../plugins/lib/dsn')

const QUEUED = Date.UTC(2026, 10, 24, 8)
const MAIL = [
    'From: Ann <ann@news.acme.example>',
    'Message-ID: <1@news.acme.example>',
    'Subject: Your',
    '\torder',
    '',
    'Secret text',
    '',
].join('\r\n')
const FAILURE = {
    recipient: 'bob@mailbox.example',
    status: '5.1.1',
    code: 550,
    response: 'no such user',
    mx: 'mx.mailbox.example',
}

function compose(fields = {}) {
    const { mail = MAIL, ...rest } = fields
    const report = {
        to: 'ann@news.acme.example',
        domain: 'news.acme.example',
        reporter: 'mx.kibamail.test',
        queuedAt: QUEUED,
        failures: [FAILURE],
        mail: Buffer.from(mail),
        ...rest,
    }
    return composeDsn(report, QUEUED + 3600_000).toString()
}

/** @returns {string[]} header section of the report, text, status, headers of the mail */
function partsOf(report) {
    const [, boundary] = /boundary="([^"]+)"/.exec(report)
    const parts = report.split(`\r\n--${boundary}`)
    assert.equal(parts.pop(), '--\r\n')
    return parts
}

test('it is a report to the submitter that nothing may answer', () => {
    const [header] = partsOf(compose())
    assert.match(header, /^From: Mail Delivery System <mailer-daemon@news\.acme\.example>\r$/m)
    assert.match(header, /^To: <ann@news\.acme\.example>\r$/m)
    assert.match(header, /^Subject: Undelivered: Your order\r$/m)
    assert.match(header, /^In-Reply-To: <1@news\.acme\.example>\r$/m)
    assert.match(header, /^Auto-Submitted: auto-replied\r$/m)
    assert.match(header, /^Content-Type: multipart\/report; report-type=delivery-status;/m)
})

test('it tells of each recipient, for people and for programs', () => {
    const failures = [FAILURE, { ...FAILURE, recipient: 'eve@mailbox.example', status: '4.2.2', code: 452 }]
    const [, text, status] = partsOf(compose({ failures }))
    assert.match(
        text,
        /^ {2}<bob@mailbox\.example>: 550 5\.1\.1 no such user\r\n {2}<eve@mailbox\.example>: 452 /m,
    )
    const [, message, first, second] = status.split('\r\n\r\n')
    assert.match(
        message,
        /^Reporting-MTA: dns; mx\.kibamail\.test\r\nArrival-Date: Tue, 24 Nov 2026 08:00:00 \+0000$/,
    )
    assert.equal(
        first,
        [
            'Final-Recipient: rfc822; bob@mailbox.example',
            'Action: failed',
            'Status: 5.1.1',
            'Remote-MTA: dns; mx.mailbox.example',
            'Diagnostic-Code: smtp; 550 5.1.1 no such user',
            'Last-Attempt-Date: Tue, 24 Nov 2026 09:00:00 +0000',
        ].join('\r\n'),
    )
    assert.match(second, /^Status: 5\.2\.2\r\n.*\r\nDiagnostic-Code: smtp; 452 4\.2\.2 /m)
})

test("what no server said is not put into a server's mouth", () => {
    const failures = [{ ...FAILURE, status: null, code: null, mx: null, response: 'no server takes mail' }]
    const [, text, status] = partsOf(compose({ failures }))
    assert.match(text, /<bob@mailbox\.example>: no server takes mail/)
    assert.match(status, /^Status: 5\.0\.0\r$/m)
    assert.doesNotMatch(status, /Remote-MTA|Diagnostic-Code/)
})

test('it gives the header section back, and not the text', () => {
    const [, , , headers] = partsOf(compose())
    assert.match(headers, /Content-Type: text\/rfc822-headers\r\n/)
    assert.ok(headers.endsWith(`\r\n\r\n${MAIL.split('\r\n\r\n')[0]}\r\n`))
    assert.doesNotMatch(compose(), /Secret/)
})

test('an endless header section is cut between two lines', () => {
    const mail = `X-Long: ${'x'.repeat(70)}\r\n`.repeat(1000)
    const [, , , headers] = partsOf(compose({ mail }))
    assert.ok(headers.length < 33_000)
    assert.ok(headers.endsWith(`${'x'.repeat(70)}\r\n`))
})

test('no reply of a server begins a line, however it ends', () => {
    const failures = [{ ...FAILURE, response: 'no\r\n\r\n--x\r\nAction: delivered ' + 'x'.repeat(2000) }]
    const report = compose({ failures })
    assert.doesNotMatch(report, /^(--x|Action: delivered)/m)
    assert.ok(report.split('\r\n').every((line) => line.length <= 998))
})

test('addresses and replies outside ASCII leave the status part in ASCII', () => {
    const failures = [{ ...FAILURE, recipient: 'jörg@mailbox.example', response: 'nö' }]
    const [, , status] = partsOf(compose({ failures }))
    assert.match(status, /^Final-Recipient: utf-8; j\\x\{F6\}rg@mailbox\.example\r$/m)
    assert.match(status, /n\\x\{F6\}\r$/m)
    assert.doesNotMatch(status, /[^\0-\x7f]/)
})

test('a subject that is not ASCII, or none, gets a plain one', () => {
    for (const mail of [MAIL.replace('Your', 'Ö'), 'From: ann@news.acme.example\r\n\r\n']) {
        assert.match(compose({ mail }), /^Subject: Undelivered mail\r$/m)
    }
})
