'use strict'

// Mail that comes back: bounces and complaints to a return path, unsubscribes by mail. It is not kept here; it
// goes on as an event, and is answered 250 when that is on disk.

const { hook, Refusal } = require('./lib/hook')
const metrics = require('./lib/metrics')
const names = require('./lib/names')
const { records, report } = require('./lib/services')
const { settings } = require('./lib/settings')
const { openToken } = require('./lib/tokens')

const RAW_BYTES = 64 * 1024
// RFC 2142 section 4, RFC 5321 section 4.5.1
const ROLES = ['postmaster', 'abuse']

exports.hook_rcpt = hook(async ({ notes, transaction }, [recipient]) => {
    if (notes.listener.name !== 'inbound') return
    const found = messageOf(recipient) ?? (await roleOf(recipient))
    if (!found) throw new Refusal(550, '5.1.1', `No such address here: ${recipient.address}`)
    transaction.notes.inbound ??= {}
    transaction.notes.inbound[recipient.address] = found
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
    const received = Object.entries(transaction.notes.inbound)
    await Promise.all(
        received.map(([recipient, found]) => report('inbound', { ...about, recipient, ...found })),
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

function rawOf({ message_stream: stream }) {
    return new Promise((resolve) => stream.get_data({}, resolve))
}
