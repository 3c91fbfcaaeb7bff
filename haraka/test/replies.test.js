'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { parseReply } = require('../plugins/lib/reply')
const { classify, meanings, rules } = require('../plugins/lib/replies')

const CASES = {
    rate: [
        '421-4.7.28 Gmail has detected an unusual rate of mail originating from your IP\n421 4.7.28 address. To protect our users from spam, mail has been temporarily rate limited.',
        '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
        "421 RP-001 (SNT004-MC1F1) Unfortunately, some messages from 192.0.2.1 weren't sent.",
        '421 4.7.1 Messages to ann@icloud.example deferred due to excessive volume. Try again later',
        '450 4.7.1 Error: too much mail from 192.0.2.1',
        '421 4.1.0 192.0.2.1 Throttled - try again later',
        '421 Too many messages have been received in a short period of time.',
    ],
    connections: [
        '451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections.',
        '421 4.7.0 mx.example Error: too many connections from 192.0.2.1',
        '421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. OFR004_104',
        '421 Too many sessions opened',
    ],
    session: [
        '421 Max message per connection reached, closing transmission channel',
        '451 4.7.653 The mail server [192.0.2.1] has exceeded maximum number of messages per connection.',
    ],
    reputation: [
        '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S775)',
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
        '421 4.7.0 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.',
        '553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1',
        '554-No SMTP service\n554-IP address is block listed.\n554 For explanation visit the page of the postmaster',
        '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example',
        '421 4.7.0 This message is suspicious due to the very low reputation of the sending IP address',
    ],
    server: [
        '451 4.7.500 Server busy. Please try again later from [192.0.2.1].',
        '451 4.3.0 Temporary lookup failure',
        '421 4.3.2 Service shutting down',
        '421 try later',
        '452 4.3.1 Insufficient system storage',
    ],
    idle: ['421 4.4.2 mx.example Error: timeout exceeded', '421 4.7.0 Connection expired, try reconnecting.'],
    mail: [
        '421-4.7.28 Gmail has detected an unusual rate of mail originating from your DKIM\n421 4.7.28 domain [news.example 35].',
        '421 4.7.26 This mail has been rate limited because it is unauthenticated.',
        '452 4.5.3 Your message has too many recipients.',
        '550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL',
    ],
    recipient: [
        '450 4.2.0 <ann@mailbox.example>: Recipient address rejected: Greylisted',
        '451 4.7.1 Grey listing in action, please come back later',
        '450 4.2.1 The user you are trying to contact is receiving mail too quickly.',
        "452 4.2.2 The recipient's inbox is out of storage space.",
        '450 4.1.2 Recipient address rejected: Domain not found',
        '552 5.2.2 mailbox full',
    ],
    null: [
        '250 2.0.0 OK queued, thank you for not sending too fast',
        '550 5.1.1 <ann@mailbox.example>: user unknown',
        '451 try again later',
        '550 5.7.1 message content rejected',
    ],
}

for (const [expected, replies] of Object.entries(CASES)) {
    for (const reply of replies) {
        test(`${expected}: ${reply.slice(0, 90)}`, () => {
            assert.equal(String(classify(parseReply(reply))), expected)
        })
    }
}

test('each rule has a class that is explained, and a source', () => {
    for (const rule of rules) {
        assert.ok(meanings[rule.class], JSON.stringify(rule))
        assert.ok(rule.source.length > 10, JSON.stringify(rule))
        assert.ok(rule.text || rule.enhanced || rule.code, JSON.stringify(rule))
    }
})
