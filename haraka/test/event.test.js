'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const { makeEvent } = require('../plugins/lib/event')

const FIELDS = [
    ...[
        'event_id',
        'type',
        'message_id',
        'occurred_at',
        'team_id',
        'recipient',
        'envelope_sender',
        'from_domain',
    ],
    ...[
        'subject',
        'stream',
        'edge',
        'queue_id',
        'attempt',
        'code',
        'enhanced',
        'response',
        'provider',
        'mx',
        'ip',
        'port',
    ],
    ...['source_ip', 'tls', 'tls_version', 'connection_mail', 'delay_ms', 'next_attempt_in_s'],
    ...['conversation', 'raw'],
]

test('an event has every field, whatever is known', () => {
    const event = makeEvent('inbound', 'edge-1', { recipient: 'ann@mailbox.example' })
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(event))).sort(), FIELDS.sort())
    assert.equal(event.recipient, 'ann@mailbox.example')
    assert.equal(event.mx, null)
    assert.match(event.event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.match(event.occurred_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('what is known is kept, the id of an event that is told again too', () => {
    const known = {
        event_id: '01890f5e-3f40-7abc-8def-0123456789ab',
        attempt: 2,
        tls: false,
        connection_mail: 1,
    }
    const event = makeEvent('delivered', 'edge-1', known)
    assert.deepEqual({ ...event, ...known }, event)
})

test('a long response and a long subject are cut, and not amid a character', () => {
    const long = `${'x'.repeat(999)}${'😀'.repeat(500)}`
    const event = makeEvent('bounced', 'edge-1', { response: long, subject: long })
    assert.equal(event.response.length, 1000)
    assert.ok(event.response.isWellFormed())
    assert.equal(event.subject, event.response)
})
