'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const { DOMAIN, Edge } = require('./support/edge')

let edge

before(async () => {
    edge = await Edge.start({ KIBA_RETRY_SCHEDULE: '1s' })
})
after(() => edge.stop())

/** Submits a mail as `sender`; each has a name of its own, so that reports can be told apart. */
async function submit(sender, to, subject = 'Your order') {
    const mail = { from: `shop@${DOMAIN}`, to, subject, text: 'A secret' }
    await edge.team().sendMail({ ...mail, envelope: { from: sender, to } })
}

const bounced = (recipient) => edge.webhook.event({ type: 'bounced', recipient })

/** Resolves when all that the edge has to send is sent: a mail that is handed over later has arrived. */
async function settled() {
    const recipient = `last${Math.random().toString(36).slice(2)}@mailbox.example`
    await submit(`ann@${DOMAIN}`, recipient)
    await edge.mailbox.mailTo(recipient)
}

test('who submitted a mail that is refused is told, in a signed report without a sender', async () => {
    edge.mailbox.answer('gone@mailbox.example', () => [550, '5.1.1 no such user'])
    await submit(`ann@${DOMAIN}`, 'gone@mailbox.example')
    const { from, raw } = await edge.mailbox.mailTo(`ann@${DOMAIN}`)
    assert.equal(from, '')
    const text = raw.toString()
    assert.match(text, /^From: Mail Delivery System <mailer-daemon@news\.acme\.example>\r$/m)
    assert.match(text, /^Subject: Undelivered: Your order\r$/m)
    assert.match(
        text,
        /^Final-Recipient: rfc822; gone@mailbox\.example\r\nAction: failed\r\nStatus: 5\.1\.1\r$/m,
    )
    assert.match(text, /^Diagnostic-Code: smtp; 550 5\.1\.1 no such user\r$/m)
    assert.doesNotMatch(text, /A secret/)
    const resolver = async () => [[`v=DKIM1; p=${edge.keys.publicKey.toString('base64')}`]]
    const { results } = await dkimVerify(raw, { resolver })
    assert.equal(results[0].status.result, 'pass')
})

test('a report is no mail of the team: it has no events', async () => {
    await settled()
    assert.ok(edge.mailbox.mailsTo(`ann@${DOMAIN}`).length > 0)
    assert.equal(
        edge.webhook.events.some(({ recipient }) => recipient === `ann@${DOMAIN}`),
        false,
    )
})

test('recipients of one mail who are refused together are in one report', async () => {
    const recipients = ['x@gone.example', 'y@gone.example']
    for (const recipient of recipients) edge.mailbox.answer(recipient, () => [550, '5.1.1 no such user'])
    await submit(`both@${DOMAIN}`, ['x@gone.example', 'y@gone.example', 'z@gone.example'])
    const { raw } = await edge.mailbox.mailTo(`both@${DOMAIN}`)
    assert.deepEqual(
        [...raw.toString().matchAll(/^Final-Recipient: rfc822; (.*)\r$/gm)].map(([, recipient]) => recipient),
        recipients,
    )
    assert.equal(edge.mailbox.mailsTo('z@gone.example').length, 1)
})

test('a mail that is deferred until its last attempt is reported then, and not before', async () => {
    edge.mailbox.answer('full@mailbox.example', () => [452, '4.2.2 mailbox full'])
    await submit(`full@${DOMAIN}`, 'full@mailbox.example')
    const { attempt } = await bounced('full@mailbox.example')
    assert.equal(attempt, 2)
    const { raw } = await edge.mailbox.mailTo(`full@${DOMAIN}`)
    assert.match(raw.toString(), /^Status: 5\.2\.2\r$/m)
    assert.match(raw.toString(), /Given up after the last attempt: mailbox full/)
    assert.equal(edge.mailbox.mailsTo(`full@${DOMAIN}`).length, 1)
})

const STRANGERS = {
    'an address of another domain': 'victim@elsewhere.example',
    'an address of a domain below a verified one': `victim@sub.${DOMAIN}`,
    'no address at all': '',
}
for (const [what, sender] of Object.entries(STRANGERS)) {
    test(`${what} as the envelope sender is told nothing`, async () => {
        const recipient = `gone.${what.replaceAll(' ', '.')}@mailbox.example`
        edge.mailbox.answer(recipient, () => [550, '5.1.1 no such user'])
        await submit(sender, recipient, 'Strange')
        await bounced(recipient)
        await settled()
        assert.equal(
            edge.mailbox.mails.some(({ raw }) => raw.toString().includes('Undelivered: Strange')),
            false,
        )
    })
}

test('a report that is refused itself is the end of it', async () => {
    edge.mailbox.answer(`nobody@${DOMAIN}`, () => [550, '5.1.1 no such user'])
    edge.mailbox.answer('away@mailbox.example', () => [550, '5.1.1 no such user'])
    await submit(`nobody@${DOMAIN}`, 'away@mailbox.example', 'Lost')
    await bounced('away@mailbox.example')
    await edge.mailbox.attempted(`nobody@${DOMAIN}`)
    await settled()
    assert.equal(edge.mailbox.attempts.filter((address) => address === `nobody@${DOMAIN}`).length, 1)
})

test('a broadcast has events, and no reports', async () => {
    edge.mailbox.answer('unsubscribed@mailbox.example', () => [550, '5.1.1 no such user'])
    const { sender } = await edge.send('unsubscribed@mailbox.example')
    await bounced('unsubscribed@mailbox.example')
    await settled()
    assert.deepEqual(edge.mailbox.mailsTo(sender), [])
    assert.deepEqual(edge.mailbox.mailsTo(`hello@${DOMAIN}`), [])
})
