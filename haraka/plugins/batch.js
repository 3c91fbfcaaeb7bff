'use strict'

// Batches of the workers (docs/batch-format.md), on the internal listener: one transaction, many mails, one result each.

const states = require('haraka-constants').connection.state

const { DataReader, readText } = require('./lib/data_reader')
const { denial, hook, Refusal } = require('./lib/hook')
const { Intake, BatchRefusal, answerLines } = require('./lib/intake')
const lifecycle = require('./lib/lifecycle')
const log = require('./lib/log')
const metrics = require('./lib/metrics')
const services = require('./lib/services')
const { settings } = require('./lib/settings')
const { signatureLines } = require('./lib/signature_lines')

const RECIPIENT = 'batch'
// To this one a batch is only signed; nothing of it is taken.
const TRIAL = 'sign'

const intake = new Intake({
    spool: services.mailSpool,
    claims: services.claims,
    records: services.records,
    edge: settings.edgeName,
    tellAccepted: (mails) => services.wayOut.outcomes.tellAccepted(mails),
    dispatcher: () => services.dispatcher,
})

exports.register = function () {
    const { mailSpool } = services
    metrics.gauge('kibamail_spooled_mails', 'Mails that are not over', () => mailSpool.counts.mails)
    metrics.gauge(
        'kibamail_spooled_bytes',
        'Their batches, on disk and in memory',
        () => mailSpool.counts.bytes,
    )
    metrics.gauge('kibamail_spooled_batches', 'Batches that are not over', () => mailSpool.counts.batches)
}

exports.hook_init_master = (next) => {
    intake.recover()
    next()
}

exports.hook_capabilities = (next, { capabilities, notes }) => {
    const at = capabilities.findIndex((line) => line.startsWith('SIZE'))
    if (notes.listener.login === 'worker') capabilities[at] = `SIZE ${settings.maxBatchBytes}`
    next()
}

exports.hook_rcpt = hook(async ({ notes }, [recipient]) => {
    if (!notes.login?.worker || [RECIPIENT, TRIAL].includes(recipient.user)) return
    throw new Refusal(
        550,
        '5.1.1',
        `Only batches are taken here (docs/batch-format.md), to ${RECIPIENT}@ any domain`,
    )
})

exports.hook_data = (next, connection) => {
    if (!connection.notes.login?.worker) return next()
    if (lifecycle.draining) return next(DENYSOFTDISCONNECT, reply(shuttingDown()))
    if (connection.current_data?.length) return next(DENYDISCONNECT, reply(tooEarly()))
    readInLargePieces(connection)
    next()
}

function readInLargePieces(connection) {
    const reader = new DataReader(settings.maxBatchBytes)
    connection.notes.reader = reader // plugins/submission.js lets go of what it holds when the connection ends
    readText(connection, reader, () => {
        pause(connection, reader.size)
        answer(connection, reader)
    })
}

// As Haraka does at the final dot (connection.js, data_done): commands that came too early are refused, not obeyed.
function pause(connection, size) {
    connection.prev_state = connection.state
    connection.state = states.PAUSE_DATA
    connection.awaiting_data_reply = true
    connection.totalbytes += size
}

async function answer(connection, reader) {
    const isTrial = connection.transaction.rcpt_to.some(({ user }) => user === TRIAL)
    try {
        respond(connection, 250, isTrial ? await sign(reader) : await take(connection, reader))
    } catch (err) {
        const refusal = err instanceof BatchRefusal ? err : failure(err)
        connection.msg_count.tempfail += 1
        metrics.batchesRefused.inc({ reason: refusal.reason })
        respond(connection, refusal.code, reply(refusal))
    }
}

async function take(connection, reader) {
    const taken = await intake.take(textOf(reader))
    count(taken)
    connection.msg_count.accept += 1
    return answerLines(taken)
}

async function sign(reader) {
    return signatureLines(await intake.examine(textOf(reader)))
}

function textOf(reader) {
    if (lifecycle.draining) throw shuttingDown()
    if (reader.isTooBig) throw tooBig(reader.size)
    return reader.text()
}

function respond(connection, code, text) {
    connection.respond(code, text, () => {
        if (code === 421) connection.disconnect()
        else connection.reset_transaction(() => connection.resume())
    })
}

function count({ results }) {
    for (const [stage, result] of [
        ['queue', 'queued'],
        ['duplicate', 'duplicate'],
        ['refuse', 'refused'],
    ]) {
        metrics.mails.inc({ stage }, results.filter((each) => each.startsWith(result)).length)
    }
}

const reply = (refusal) => denial(refusal)[1]

const shuttingDown = () => new BatchRefusal('draining', 421, '4.3.2', 'Shutting down; connect again')

// Where DATA had been refused, it would have been taken for commands (RFC 2920 section 3.1).
const tooEarly = () => new Refusal(503, '5.5.0', 'Wait for 354 before you send the batch')

const tooBig = (size) =>
    new BatchRefusal(
        'size',
        552,
        '5.3.4',
        `The batch has ${size} bytes; the limit is ${settings.maxBatchBytes}`,
    )

function failure(err) {
    log.error('batch postponed', { reason: err.message, stack: err.stack })
    return new BatchRefusal('failure', 451, '4.3.0', 'Something failed here; nothing was taken, try again')
}
