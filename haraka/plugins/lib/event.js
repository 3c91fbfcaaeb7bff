'use strict'

// One event for the webhook receiver: each field always there, null where it is not known.

const { randomUUID } = require('node:crypto')

// What the receiver takes (sidecars/webhook/mta_event.py).
const LONGEST_TEXT = 1000

/**
 * `unknown`: the connection was lost after the final dot (RFC 1047); the mail may have arrived. `cancelled`: its
 * broadcast was, and it was not sent. `provider` is the receiving provider's name, `tls_version` as node:tls names it
 * (TLSv1.3), `connection_mail` 1 for the first mail on its connection. `submitted`, `tag` and `metadata` are there
 * where a team's program handed the mail over, and said so.
 *
 * @param {'accepted' | 'delivered' | 'deferred' | 'bounced' | 'unknown' | 'cancelled' | 'inbound'} type
 * @param {string} edge name of this edge
 * @param {object} fields those that are known
 */
function makeEvent(type, edge, fields) {
    // One literal with all its keys: thousands a second are made, and spreading defaults costs twice as much.
    return {
        event_id: fields.event_id ?? randomUUID(),
        type,
        occurred_at: fields.occurred_at ?? new Date().toISOString(),
        message_id: fields.message_id ?? null,
        team_id: fields.team_id ?? null,
        recipient: fields.recipient ?? null,
        envelope_sender: fields.envelope_sender ?? '',
        from_domain: fields.from_domain ?? null,
        subject: cut(fields.subject ?? null),
        stream: fields.stream ?? 'transactional',
        edge,
        queue_id: fields.queue_id ?? '',
        attempt: fields.attempt ?? 0,
        code: fields.code ?? null,
        enhanced: fields.enhanced ?? null,
        response: cut(fields.response ?? ''),
        provider: fields.provider ?? null,
        mx: fields.mx ?? null,
        ip: fields.ip ?? null,
        port: fields.port ?? null,
        source_ip: fields.source_ip ?? null,
        tls: fields.tls ?? null,
        tls_version: fields.tls_version ?? null,
        connection_mail: fields.connection_mail ?? null,
        delay_ms: fields.delay_ms ?? null,
        next_attempt_in_s: fields.next_attempt_in_s ?? null,
        conversation: fields.conversation ?? [],
        raw: fields.raw ?? null,
        submitted: fields.submitted,
        tag: fields.tag,
        metadata: fields.metadata,
    }
}

/** A cut may leave half of a surrogate pair, which no JSON parser takes. */
const cut = (text) => (text?.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT).toWellFormed() : text)

module.exports = { makeEvent }
