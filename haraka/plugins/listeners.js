'use strict'

// What holds for a connection because of the port it came to (lib/listeners.js), and for all of them.

const { steadyNow } = require('./lib/clock')
const { gatherReplies } = require('./lib/gather_replies')
const { Guests } = require('./lib/guests')
const { denial, hook, Refusal } = require('./lib/hook')
const lifecycle = require('./lib/lifecycle')
const { listenerAt } = require('./lib/listeners')
const log = require('./lib/log')
const metrics = require('./lib/metrics')
const { Pace } = require('./lib/pace')
const { spool } = require('./lib/services')
const { settings } = require('./lib/settings')

const LOGIN_NEEDED = {
    team: 'Authentication required. Use your team id as the user and an API key as the password, after STARTTLS',
    worker: 'Authentication required, with the internal credential, after STARTTLS',
}

const LOOK_MS = 1000
// Of the events that may wait: mail by strangers must not keep out a team's.
const STRANGERS_SHARE = 1 / 2

const guests = new Guests({
    perAddress: settings.connectionsPerAddress,
    inAll: settings.connections,
    handshakeMs: settings.loginSeconds * 1000,
})
const pace = new Pace({
    idleMs: settings.idleSeconds * 1000,
    loginMs: settings.loginSeconds * 1000,
    leastRate: settings.leastRate,
})

exports.register = function () {
    this.listeners = this.haraka_require('server').listeners
}

exports.hook_init_master = function (next) {
    for (const server of this.listeners) {
        const { login, name } = listenerAt(server.address().port)
        guests.guard(server, { isPublic: login !== 'worker', isTls: name === 'smtps' })
    }
    setInterval(sweep, LOOK_MS).unref()
    next()
}

function sweep() {
    guests.sweep()
    const now = steadyNow()
    for (const connection of lifecycle.connections) {
        const reason = pace.overdue(connection, now)
        if (!reason) continue
        const { notes, remote } = connection
        log.info('client too slow', { reason, address: remote.ip, listener: notes.listener.name })
        metrics.slowClients.inc()
        connection.respond(421, `4.4.2 ${reason} in time`, () => connection.disconnect())
    }
}

exports.hook_connect_init = (next, connection) => {
    connection.notes.listener = listenerAt(connection.local.port)
    lifecycle.connections.add(connection)
    const { client } = connection
    ;(client.targetsocket ?? client).setNoDelay(true)
    gatherReplies(connection)
    refuseMailInOurWords(connection)
    next()
}

// The name would stand in Received and nowhere else: not worth a look-up.
exports.hook_lookup_rdns = (next) => next(OK, 'unknown')

exports.hook_mail = hook(async (connection) => {
    const { login } = connection.notes.listener
    // What AUTH found out is nobody's business but ours: no Authentication-Results in mail that goes out.
    connection.notes.authentication_results = []
    if (spool.backlogBytes > settings.maxBacklogBytes * (login ? 1 : STRANGERS_SHARE)) {
        throw new Refusal(452, '4.3.1', 'Too many events wait for the webhook receiver; try again later')
    }
})

exports.hook_max_data_exceeded = (next, connection) => {
    connection.max_data_exceeded_respond = () => {
        const { code, reply } = tooBig(connection.transaction.data_bytes)
        connection.respond(code, reply, () => connection.reset_transaction())
    }
    next()
}

exports.hook_reset_transaction = (next, connection) => {
    next()
    if (lifecycle.draining) setImmediate(lifecycle.endIfIdle, connection)
}

exports.hook_disconnect = (next, connection) => {
    lifecycle.connections.delete(connection)
    next()
}

/**
 * Haraka refuses MAIL without AUTH on ports 587 and 465, and an announced SIZE above the limit, before any hook
 * runs and in words that tell nobody what to do.
 */
function refuseMailInOurWords(connection) {
    const harakas = connection.cmd_mail
    connection.cmd_mail = (line) => {
        const refusal = loginMissing(connection) ?? announcedTooBig(line)
        if (refusal) connection.respond(refusal.code, refusal)
        else harakas.call(connection, line)
    }
}

function loginMissing({ notes }) {
    const { login } = notes.listener
    if (login === null || notes.login) return null
    return dsn(530, '5.7.0', LOGIN_NEEDED[login])
}

function announcedTooBig(line) {
    const size = Number(/ SIZE=(\d+)/i.exec(line)?.[1] ?? 0)
    return size > settings.maxMailBytes ? tooBig(size) : null
}

function tooBig(size) {
    return dsn(552, '5.3.4', `The mail has ${size} bytes; the limit is ${settings.maxMailBytes}`)
}

function dsn(code, enhanced, text) {
    return denial(new Refusal(code, enhanced, text))[1]
}
