'use strict'

// Mail of teams, from the submission listeners: may they send it, what have they said of it, and what has to change in it.

const { authorDomain } = require('./lib/author')
const { canBeRecipient } = require('./lib/batch_format')
const { DataReader, readText } = require('./lib/data_reader')
const { isAsciiText } = require('./lib/envelope')
const { hook, Refusal } = require('./lib/hook')
const { newId } = require('./lib/ids')
const mailNotes = require('./lib/mail_notes')
const names = require('./lib/names')
const { sha256 } = require('./lib/records')
const { openLogins, records, suppressed } = require('./lib/services')
const { settings } = require('./lib/settings')
const { hasOptions, optionsOf, DEFAULT_STREAM, OPTION_FIELDS } = require('./lib/submission_options')
const { refusalOfMail, refusalOfRecipient } = require('./lib/suppressed')
const { faultOf, headerFaultOf } = require('./lib/text_faults')
const { TextStream } = require('./lib/text_stream')
const { TrackedMail } = require('./lib/tracked_mail')

// Only we may write the first three; Bcc would tell who else got it (RFC 5322 section 3.6.3).
const REMOVED = [
    names.HEADER_MESSAGE_ID,
    names.HEADER_BROADCAST_ID,
    names.HEADER_CONTACT_ID,
    'Authentication-Results',
    'Return-Path',
    'Bcc',
]

const CRLF = '\r\n'
const HEADER_END = '\r\n\r\n'
const LONGEST_HEADER = 256 * 1024
// Of what the spool may hold in memory: texts on their way in.
const RECEIVED_AT_ONCE = 1 / 4
const CROWDED_OUT = new Refusal(452, '4.3.1', 'Too much mail is coming in at this moment; try again later')

exports.hook_rcpt = hook(async ({ notes, transaction }, [recipient]) => {
    if (!notes.login?.team) return
    if (!canBeRecipient(recipient.address)) {
        throw new Refusal(550, '5.1.3', 'A recipient is one plain address with a domain: name@domain')
    }
    if (transaction.rcpt_to.length > settings.maxRecipients) {
        throw new Refusal(452, '4.5.3', `Too many recipients: one mail has ${settings.maxRecipients} at most`)
    }
    await refuseSuppressed(transaction, notes.login.team, recipient)
})

async function refuseSuppressed({ notes }, team, { address }) {
    const found = await suppressed.of(team.id, address)
    if (found.length === 0) return
    const refusal = refusalOfRecipient(address, found, team)
    if (refusal) throw refusal
    // For what keeps mail of one stream: the header will say which one it is.
    notes.suppressed ??= new Map()
    notes.suppressed.set(address, found)
}

exports.hook_mail = hook(async ({ notes, transaction }, [, parameters]) => {
    if (!notes.login?.team) return
    transaction.notes.mayBeUtf8 = 'SMTPUTF8' in parameters
    openLogins.touch(notes.login.team)
    const { message_stream: stream, header, cfg } = transaction
    transaction.message_stream = new TextStream(stream, header.header_list, cfg)
})

/** In large pieces: a line at a time, as Haraka reads, costs more than all that is done with a mail. */
exports.hook_data = (next, connection) => {
    if (connection.notes.login?.team) {
        const reader = new DataReader(settings.maxMailBytes, settings.maxSpooledBytes * RECEIVED_AT_ONCE)
        connection.notes.reader = reader
        readText(connection, reader, () => takeText(connection, reader))
    }
    next()
}

function takeText(connection, reader) {
    const { transaction } = connection
    transaction.data_bytes = reader.size
    transaction.notes.fault = reader.isCrowdedOut ? CROWDED_OUT : null
    if (!reader.isCrowdedOut && !reader.isTooBig) fill(transaction, reader.text())
    connection.data_done()
}

/** As Haraka's own reader leaves it (transaction.js, add_data). */
function fill(transaction, text) {
    const border = text.indexOf(HEADER_END)
    const end = border === -1 ? text.length : border + CRLF.length
    const header = end > LONGEST_HEADER ? null : text.toString(transaction.encoding, 0, end)
    const fault =
        header === null
            ? 'The header section is longer than 256 KB'
            : (faultOf(text) ?? headerFaultOf(header))
    if (fault) {
        transaction.notes.fault = new Refusal(550, '5.6.0', fault)
        return
    }
    transaction.header_lines.push(header)
    transaction.header.parse(transaction.header_lines)
    transaction.header_pos = transaction.header.header_list.length
    transaction.found_hb_sep = true
    transaction.notes.hasOptions = hasOptions(header)
    // Of those who do not say so, some send 8-bit headers to servers that take them all the same.
    transaction.notes.isUtf8 = transaction.notes.mayBeUtf8 && !isAsciiText(header)
    transaction.message_stream.body = text.subarray(end + CRLF.length)
}

exports.hook_disconnect = (next, { notes }) => {
    notes.reader?.release()
    next()
}

exports.hook_data_post = hook(async ({ notes, transaction }) => {
    if (!notes.login?.team) return
    if (transaction.notes.fault) throw transaction.notes.fault
    const { team } = notes.login
    const domain = authorDomain(transaction.header)
    const { recipientsAnHour, stopped, outOfCredits, record } = await verified(domain, team.id)
    if (outOfCredits) throw new Refusal(452, '4.7.1', outOfCredits)
    const options = optionsIn(transaction, team)
    const whyStopped = stopped[options.stream ?? 'transactional']
    if (whyStopped) throw new Refusal(450, '4.7.1', whyStopped)
    if (transaction.notes.suppressed) refuseSuppressedOf(options, transaction, team)
    if (team.onlyDomain && team.onlyDomain !== domain) {
        throw new Refusal(
            550,
            '5.7.1',
            `This API key sends from ${team.onlyDomain} only, and not from ${domain}`,
        )
    }

    transaction.rcpt_to = withoutRepeats(transaction.rcpt_to)
    const { isUtf8 } = transaction.notes
    const mails = transaction.rcpt_to.map(({ address }) => mailTo(address, isUtf8, record, options))
    rewriteHeaders(transaction, mails[0].messageId, domain)
    const texts = await trackedTexts(transaction, mails, options.track ?? record.track, record.trackingUrl)
    transaction.notes.mail = {
        teamId: team.id,
        recipientsAnHour,
        domain,
        returnPath: record.returnPath,
        submitter: await submitterOf(transaction.mail_from, team.id),
        subject: mailNotes.subjectOf(transaction.header),
        options,
        mails,
        texts,
        // What waits till it is sent, or has a text of its own for each, is signed when it leaves.
        signed: settings.sign && texts === null && options.sendAt === undefined,
    }
})

function refuseSuppressedOf({ stream = DEFAULT_STREAM }, { notes, rcpt_to: recipients }, team) {
    const addresses = recipients.map(({ address }) => address)
    const refusal = refusalOfMail(addresses, notes.suppressed, stream, team)
    if (refusal) throw refusal
}

/** @returns {import('./lib/submission_options').Options} with the one stream of a key that has one */
function optionsIn(transaction, { onlyStream }) {
    const options = transaction.notes.hasOptions ? optionsOf(transaction.header) : {}
    if (!onlyStream) return options
    if ((options.stream ?? onlyStream) !== onlyStream) {
        const text = `This API key sends on the ${onlyStream} stream only (${names.HEADER_STREAM})`
        throw new Refusal(550, '5.7.1', text)
    }
    return { ...options, stream: onlyStream }
}

function mailTo(recipient, isUtf8, { returnPath, teamId }, { idempotencyKey }) {
    const messageId = newId()
    const sender = mailNotes.envelopeSender(messageId, returnPath)
    const claimKey = idempotencyKey && submissionClaimKey(teamId, idempotencyKey, recipient)
    return { messageId, sender, recipient, smtputf8: isUtf8 || !isAsciiText(recipient), claimKey }
}

function submissionClaimKey(teamId, idempotencyKey, recipient) {
    const digest = sha256(`${idempotencyKey} ${recipient.toLowerCase()}`).toString('base64url')
    return names.submissionClaimKey(teamId, digest)
}

/** Who may be told when it fails: nobody outside of the team, who might be innocent of the mail (backscatter). */
async function submitterOf({ address, host }, teamId) {
    const { domains } = await records.team(teamId)
    return address && domains.includes(host.toLowerCase()) ? address : ''
}

async function verified(domain, teamId) {
    const { domains, recipientsAnHour, stopped, outOfCredits } = await records.team(teamId)
    if (!domains.includes(domain)) {
        const known = domains.length ? `Verified: ${domains.join(', ')}` : 'It has no verified domain yet'
        throw new Refusal(550, '5.7.1', `${domain} is no verified domain of team ${teamId}. ${known}`)
    }
    const record = await records.domain(domain)
    if (record?.teamId !== teamId) {
        throw new Refusal(451, '4.7.5', `${domain} has no signing key here yet; try again in a minute`)
    }
    return { recipientsAnHour, stopped, outOfCredits, record }
}

/** @returns {Promise<Buffer[] | null>} a text for each; null where nothing is followed, or the mail must stay as it is */
async function trackedTexts(transaction, mails, { opens, clicks }, url) {
    if (!opens && !clicks) return null
    const whole = transaction.message_stream.whole()
    // Each text is held in memory.
    if (whole.length * mails.length > settings.maxBatchBytes) return null
    const wayOut = transaction.header.get('List-Unsubscribe')
    const tracking = { url, opens, clicks, wayOut, secret: settings.tokenSecret }
    const tracked = await TrackedMail.read(whole, tracking)
    return (
        tracked &&
        mails.map(({ messageId }) => withOwnId(tracked.textFor(messageId), mails[0].messageId, messageId))
    )
}

/** The header section was written for the first of them. Ids have one length. */
function withOwnId(text, first, messageId) {
    const field = `\r\n${names.HEADER_MESSAGE_ID}: `
    text.write(messageId, text.indexOf(field + first) + field.length, 'latin1')
    return text
}

function withoutRepeats(recipients) {
    return [...new Map(recipients.map((recipient) => [recipient.address, recipient])).values()]
}

function rewriteHeaders(transaction, messageId, domain) {
    for (const name of REMOVED) transaction.remove_header(name)
    if (transaction.notes.hasOptions) for (const name of OPTION_FIELDS) transaction.remove_header(name)
    mailNotes.completeHeaders(transaction, messageId, domain)
    transaction.add_header(names.HEADER_MESSAGE_ID, messageId)
}
