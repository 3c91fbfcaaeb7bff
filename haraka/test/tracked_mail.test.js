'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const libqp = require('libqp')
const MailComposer = require('nodemailer/lib/mail-composer')

const { TrackedMail } = require('../plugins/lib/tracked_mail')
const { makeToken, sealLink } = require('../plugins/lib/tokens')

const ID = '01900000-0000-7000-8000-000000000001'
const SECRET = 'token-secret-of-the-tests-of-links-1'
const TRACKING = { url: 'https://t.example', opens: true, clicks: true, secret: SECRET, wayOut: '' }
const TOKEN = makeToken(ID, SECRET)
const PIXEL = `https://t.example/o/${TOKEN}.gif`
const leading = (url, index = 0) =>
    `https://t.example/c/${TOKEN}/${index}/${sealLink(ID, index, url, SECRET)}`

async function tracked(mail, tracking = {}) {
    const read = await TrackedMail.read(Buffer.from(mail, 'latin1'), { ...TRACKING, ...tracking })
    return read && read.textFor(ID).latin1Slice()
}

const page = (html, type = 'text/html; charset=utf-8', encoding = '8bit') =>
    `From: a@b.example\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${html}`

test('links lead over the tracking host, and the pixel stands at the end of the body; all else is as it was', async () => {
    const url = 'https://shop.example/?a=1&b=2'
    const html = `<P CLASS=x>Hi <!-- <a href="https://c.example"> -->\r\n<A title='1' HREF='${url.replace('&', '&amp;')}'>go</A></p>\r\n</body></html>\r\n`
    const out = await tracked(page(html))
    const wanted = html.replace(/HREF='[^']*'/, `href="${leading(url)}"`)
    const image = /<img src="([^"]*)" width="1" height="1" alt=""[^>]*>/.exec(out)
    assert.equal(image[1], PIXEL)
    assert.equal(out.replace(image[0], ''), page(wanted))
    assert.ok(out.indexOf(image[0]) === out.indexOf('</body>') - image[0].length)
})

const UNTOUCHED = {
    'an address that is no web page': '<a href="mailto:a@b.example">',
    'a relative address': '<a href="/x">',
    'an anchor': '<a href="#top">',
    'a link that says so': '<a data-track="off" href="https://x.example/">',
    'an address with more than ASCII': '<a href="https://x.example/\xc3\xa4">',
    'a link of ours': '<a href="https://t.example/c/x/1">',
    'the way out': '<a href="https://x.example/leave?me">',
    'what only looks like a link': '<script>"<a href=\'https://x.example/\'>"</script><a href="https://x',
}
for (const [what, html] of Object.entries(UNTOUCHED)) {
    test(`${what} is not tracked`, async () => {
        const mail = page(`${html}\r\n`)
        assert.equal(await tracked(mail, { opens: false, wayOut: '<https://x.example/leave?me>' }), mail)
    })
}

const part = (headers, body) => `--b1\r\n${headers}\r\n\r\n${body}\r\n`
const multipart = (type, ...parts) =>
    `From: a@b.example\r\nContent-Type: multipart/${type}; boundary=b1\r\n\r\npreamble\r\n${parts.join('')}--b1--\r\nepilogue\r\n`
const LINK = '<a href="https://x.example/">x</a>'

test('only HTML parts change: not the text, not what is attached, not a mail in the mail', async () => {
    const others = [
        part('Content-Type: text/plain', `${LINK} https://x.example/`),
        part('Content-Type: text/html\r\nContent-Disposition: attachment; filename=a.html', LINK),
        part('Content-Type: message/rfc822', `Content-Type: text/html\r\n\r\n${LINK}`),
        part('Content-Type: text/x-amp-html', LINK),
        part('Content-Type: text/html; charset=iso-2022-jp', LINK),
        part('Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64', 'AAAA\r\nAA=='),
    ]
    const html = (text) => part('Content-Type: text/html', text)
    const out = await tracked(multipart('mixed', ...others, html(LINK)), { opens: false })
    const wanted = html(LINK.replace('https://x.example/', leading('https://x.example/')))
    assert.equal(out, multipart('mixed', ...others, wanted))
})

for (const encoding of ['quoted-printable', 'base64']) {
    test(`an HTML part in ${encoding} stays so, and says the same`, async () => {
        const html = `<p>Grüße = ☕</p>\r\n${LINK}\r\n`.repeat(20)
        const composed = await new MailComposer({
            from: 'a@b.example',
            text: 'Hi',
            html: { content: html, contentTransferEncoding: encoding },
            attachments: [{ filename: 'x.bin', content: Buffer.alloc(3000, 7) }],
        })
            .compile()
            .build()
        const out = await tracked(composed.latin1Slice(), { opens: false })
        const raw = new RegExp(`text/html[^]*?${encoding}\\r\\n\\r\\n([^]*?)\\r\\n--`, 'i').exec(out)[1]
        const decoded = encoding === 'base64' ? Buffer.from(raw, 'base64') : Buffer.from(libqp.decode(raw))
        let index = 0
        const wanted = html.replaceAll('https://x.example/', () => leading('https://x.example/', index++))
        assert.equal(decoded.toString().trimEnd(), wanted.trimEnd())
        assert.ok(out.split('\r\n').every(({ length }) => length <= 998))
    })
}

const SEALED = {
    'signed mail': multipart(
        'signed; protocol="application/pkcs7-signature"',
        part('Content-Type: text/html', LINK),
    ),
    'encrypted mail': multipart('encrypted', part('Content-Type: text/html', LINK)),
    'signed mail within another': multipart(
        'mixed',
        part('Content-Type: text/html', LINK),
        part('Content-Type: application/pkcs7-signature', 'AAAA'),
    ),
    'a mail with PGP in its text': page(`${LINK}-----BEGIN PGP MESSAGE-----\r\n`),
    'a mail without HTML': page('Hi\r\n', 'text/plain'),
    'a mail of too many parts': multipart('mixed', part('Content-Type: text/html', LINK).repeat(1500)),
}
for (const [what, mail] of Object.entries(SEALED)) {
    test(`${what} stays as it is`, async () => assert.equal(await tracked(mail), null))
}

test('a part whose line would become too long stays as it was', async () => {
    const mail = page(`<p>${'x'.repeat(940)}</p>${LINK}\r\n`)
    assert.equal(await tracked(mail), mail)
})

test('no HTML, however broken, loses an octet', async () => {
    const fragments = [
        '<a href=https://x.example/ ',
        '<',
        '</body',
        '"',
        "'",
        '<!--',
        '>',
        '<title>',
        '\xff',
        '&amp',
        '\r\n',
        '=3D',
    ]
    let seed = 7
    const dice = (sides) => (seed = (seed * 48271) % 2147483647) % sides
    for (let round = 0; round < 300; round++) {
        const html = Array.from({ length: 12 }, () => fragments[dice(fragments.length)]).join('') + '\r\n'
        const out = await tracked(page(html), { opens: false })
        const undone = out.replace(/href="https:\/\/t\.example[^"]*"/g, 'href=https://x.example/')
        assert.equal(
            undone.replaceAll(/href=https:\/\/x\.example\/[^\s>]*/g, ''),
            page(html).replaceAll(/href=https:\/\/x\.example\/[^\s>]*/g, ''),
        )
    }
})

const many = (count, text) => text.repeat(count)
const BOMBS = {
    '10,000 parts': () =>
        `Content-Type: multipart/mixed; boundary=x\r\n\r\n${many(10_000, '--x\r\nContent-Type: text/html\r\n\r\n<a href="https://a.example">\r\n')}--x--\r\n`,
    '5,000 nested parts': () =>
        Array.from(
            { length: 5000 },
            (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
        ).join(''),
    '5,000 nested mails': () => many(5000, 'Content-Type: message/rfc822\r\n\r\n'),
    '20,000 links': () => page(many(20_000, '<a href="https://a.example">\r\n')),
    'tags without an end': () => page(many(100_000, '<a <a href=\r\n')),
    'attributes without an end': () => page(`<a ${many(100_000, 'href="https://a.example"\r\n ')}`),
    'base64 of megabytes': () => page(many(100_000, `${'QUFB'.repeat(19)}\r\n`), 'text/html', 'base64'),
    'a header of megabytes': () =>
        `${many(100_000, 'X-A: b\r\n')}Content-Type: text/html\r\n\r\n<a href="https://a.example">\r\n`,
    'a parameter without an end': () => `Content-Type: text/html; ${many(50_000, 'a*0*=b; ')}\r\n\r\n<p>\r\n`,
}
for (const [what, bomb] of Object.entries(BOMBS)) {
    test(`a mail of ${what} costs seconds of the processor at most, and does not grow tenfold`, async () => {
        const mail = bomb()
        const before = process.cpuUsage()
        const text = await tracked(mail)
        assert.ok(process.cpuUsage(before).user < 5e6)
        assert.ok((text?.length ?? 0) < mail.length * 10)
    })
}
