'use strict'

// Mail that comes back: bounces and complaints to a return path, unsubscribes by mail. It is not kept here; it
// goes on as an event, and is answered 250 when that is on disk.

const { LRUCache } = require('lru-cache')

const { hook, Refusal } = require('./lib/hook')
const { networkOf } = require('./lib/lockout')
const metrics = require('./lib/metrics')
const names = require('./lib/names')
const { records, report } = require('./lib/services')
const { settings } = require('./lib/settings')
const { openToken } = require('./lib/tokens')

const RAW_BYTES = 64 * 1024
// A mail has a few reports, and one complaint. Who has a token could send a thousand, each an event to be judged.
const MAILS_AN_HOUR = 20
const ROLE_MAILS_AN_HOUR = 600
const HOUR_MS = 3_600_000
// RFC 2142 section 4, RFC 5321 section 4.5.1; `bounces` for what has lost its return path.
const ROLES = ['postmaster', 'abuse', 'bounces']
// In a return path, in List-Unsubscribe, in links.
const TOKENS = /(?:\b[bu]-|\/)([a-z2-7]{40})\b/gi
const TOKENS_TRIED = 100

// By mail, or by the address that they come from.
const lastHour = new LRUCache({ max: 200_000, ttl: HOUR_MS, noUpdateTTL: true })

exports.hook_rcpt = hook(async ({ notes, remote, transaction }, [recipient]) => {
    if (notes.listener.name !== 'inbound') return
    const found = messageOf(recipient) ?? (await roleOf(recipient))
    if (!found) throw new Refusal(550, '5.1.1', `No such address here: ${recipient.address}`)
    transaction.notes.inbound ??= new Map()
    const { inbound } = transaction.notes
    // Cases and domains are many, the mail that it is about is one.
    const about = found.message_id ?? recipient.address.toLowerCase()
    if (inbound.has(about)) return OK
    if (inbound.size >= settings.maxRecipients) {
        throw new Refusal(452, '4.5.3', `Too many recipients: one mail has ${settings.maxRecipients} at most`)
    }
    const [counted, most] = found.message_id
        ? [found.message_id, MAILS_AN_HOUR]
        : [networkOf(remote.ip), ROLE_MAILS_AN_HOUR]
    const before = lastHour.get(counted) ?? 0
    if (before >= most)
        throw new Refusal(450, '4.7.1', 'Too many mails to this address; try again in an hour')
    lastHour.set(counted, before + 1)
    inbound.set(about, { recipient, ...found })
    return OK
})

exports.hook_queue = hook(async ({ notes, remote, tls, transaction }) => {
    if (notes.listener.name !== 'inbound') return
    const raw = await rawOf(transaction)
    const about = {
        envelope_sender: transaction.mail_from.address ?? '',
        subject: transaction.header.get_decoded('Subject').trim(),
        queue_id: transaction.uuid,
        ip: remote.ip,
        tls: tls.enabled,
        raw: raw.subarray(0, RAW_BYTES).toString('base64'),
    }
    const found = [...transaction.notes.inbound.values()]
    await Promise.all(
        found.map(({ recipient, ...known }) => {
            const message_id = known.message_id ?? messageReturnedIn(raw.subarray(0, RAW_BYTES))
            return report('inbound', { ...about, ...known, message_id, recipient: recipient.address })
        }),
    )
    metrics.mails.inc({ stage: 'inbound' })
    return [OK, 'received']
})

/** A return path or an unsubscribe address of a mail of ours, whatever its case. */
function messageOf({ user }) {
    const [, prefix, token] = /^([bu]-)(.+)$/i.exec(user) ?? []
    if (![names.VERP_PREFIX, names.UNSUBSCRIBE_PREFIX].includes(prefix?.toLowerCase())) return null
    const messageId = openToken(token, settings.tokenSecret)
    return messageId && { message_id: messageId }
}

async function roleOf({ user, host }) {
    if (!ROLES.includes(user?.toLowerCase()) || !host) return null
    if (host.toLowerCase() === settings.hostname) return {}
    const domain = await records.domainOfReturnPath(host)
    return domain && { team_id: domain.teamId }
}

/** The mail of ours that a report to a role address returns: its token is in it, and nobody can make one up. */
function messageReturnedIn(raw) {
    let tried = 0
    for (const [, token] of raw.toString('latin1').matchAll(TOKENS)) {
        const messageId = openToken(token, settings.tokenSecret)
        if (messageId || ++tried === TOKENS_TRIED) return messageId
    }
    return null
}

function rawOf({ message_stream: stream }) {
    return new Promise((resolve) => stream.get_data({}, resolve))
}
