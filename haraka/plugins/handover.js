'use strict'

// A submitted mail from its last check to its 250: within the team's limit, on disk in the spool, claimed where it has an
// idempotency key, told as accepted, and given to the lanes.

const { BatchError } = require('./lib/batch_format')
const { groupBy } = require('./lib/group_by')
const { hook, Refusal } = require('./lib/hook')
const { minutesLeft } = require('./lib/hourly_limit')
const { newId } = require('./lib/ids')
const log = require('./lib/log')
const metrics = require('./lib/metrics')
const services = require('./lib/services')
const { settings } = require('./lib/settings')
const { documentOf } = require('./lib/submission_document')

exports.hook_queue_outbound = hook(async ({ transaction }) => {
    const { mail } = transaction.notes
    if (!mail) throw new Refusal(554, '5.7.1', 'Workers hand over batches (docs/batch-format.md)')
    const reserved = await reserve(mail)
    try {
        return [OK, `queued by ${await handOver(transaction, mail, reserved)}`]
    } catch (err) {
        await reserved.giveBack(mail.mails.length)
        throw err
    }
})

/** @returns {Promise<string>} name of the edge that has the mail: another one, where its key was claimed before */
async function handOver(transaction, mail, reserved) {
    const spooledMails = await spooled(documentsOf(transaction, mail), mail)
    const { mails, edge } = mail.options.idempotencyKey ? await claimed(spooledMails) : ours(spooledMails)
    await reserved.giveBack(spooledMails.length - mails.length)
    metrics.mails.inc({ stage: 'queue' }, mails.length)
    // In this order: the event must be in the journal before that of a delivery. It need not be on disk for a 250,
    // as it is told again where mails are taken up from the spool.
    services.wayOut.outcomes.tellAccepted(mails)
    setImmediate(giveToLanes, mails)
    return edge
}

async function reserve({ teamId, recipientsAnHour: limit, mails }) {
    const reserved = await services.hourlyLimit.reserve(teamId, mails.length, limit)
    if (reserved.isTaken) return reserved
    const wait = `the next hour begins in ${minutesLeft()} minutes`
    throw new Refusal(450, '4.7.1', `Team ${teamId} may have ${limit} recipients an hour; ${wait}`)
}

/** @returns {Promise<import('./lib/spooled_mail').SpooledMail[]>} all of them or none is on disk */
async function spooled(documents, { teamId, mails }) {
    const { mailSpool } = services
    const bytes = documents.reduce((total, { length }) => total + length, 0)
    const full = mailSpool.admits(teamId, mails.length, bytes)
    if (full) throw new Refusal(452, '4.3.1', full)
    try {
        // Asked for in one turn they are written as one.
        return (await Promise.all(documents.map((document) => mailSpool.append(document)))).flat()
    } catch (err) {
        if (err instanceof BatchError) throw new Refusal(550, err.enhanced, err.message)
        log.error('mail not spooled', { reason: err.message })
        throw new Refusal(452, '4.3.1', 'The spool cannot be written to; try again later')
    }
}

/** One for all recipients; where each has a text of its own, one for each. */
function documentsOf({ message_stream: stream }, { texts, mails, ...mail }) {
    const document = (fields) => documentOf({ id: newId(), ...mail, ...fields })
    if (texts) return mails.map((each, i) => document({ text: [texts[i]], mails: [each] }))
    return [document({ text: [stream.whole()], mails })]
}

const ours = (mails) => ({ mails, edge: settings.edgeName })

/** Without those that an earlier submission with the same key has, here or at another edge. */
async function claimed(mails) {
    const elsewhere = await claim(mails)
    for (const mail of elsewhere.keys()) services.mailSpool.done(mail)
    metrics.mails.inc({ stage: 'duplicate' }, elsewhere.size)
    const left = mails.filter((mail) => !elsewhere.has(mail))
    return left.length ? ours(left) : { mails: [], edge: elsewhere.get(mails[0]) }
}

async function claim(mails) {
    const { submissionClaims } = services
    const batches = byBatch(mails)
    try {
        const elsewhere = await Promise.all(batches.map((of) => submissionClaims.take(of)))
        return new Map(elsewhere.flatMap((held) => [...held]))
    } catch (err) {
        // Some may be claimed: they are sent, or dropped, when Redis says whose they are.
        log.warning('submission waits for its claims', { batch: mails[0].batch.id, reason: err.message })
        for (const of of batches) claimLater(of)
        throw new Refusal(451, '4.3.0', 'Redis did not answer; try again with the same key')
    }
}

async function claimLater(mails) {
    const elsewhere = await services.submissionClaims.takeAgain(mails)
    for (const mail of elsewhere.keys()) services.mailSpool.done(mail)
    const left = mails.filter((mail) => !elsewhere.has(mail))
    services.wayOut.outcomes.tellAccepted(left)
    giveToLanes(left)
}

function giveToLanes(mails) {
    for (const of of byBatch(mails)) services.dispatcher.take(of)
}

function byBatch(mails) {
    if (mails.length === 1) return [mails]
    return groupBy(mails, ({ batch }) => batch)
}
