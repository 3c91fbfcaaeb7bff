'use strict'

// AUTH PLAIN and LOGIN, only under TLS: a team's id and one of its API keys on the submission listeners, the
// workers' credential on the internal one, and neither on the other.

const { timingSafeEqual } = require('node:crypto')

const { denial, Refusal } = require('./lib/hook')
const log = require('./lib/log')
const { sha256 } = require('./lib/records')
const { lockout, openLogins, records } = require('./lib/services')
const { settings } = require('./lib/settings')

const METHODS = ['PLAIN', 'LOGIN']
const MAX_FAILURES_PER_CONNECTION = 3
const TEAM_ID = /^\d{1,15}$/
const PREFIX = /^team_(?=\d)/ // as the API shows a team's id
const WORKER = 'internal'
const BASE = 'auth/auth_base'

const worker = sha256(settings.internalSecret)

exports.register = function () {
    this.inherits(BASE)
    this.blankout_password = true
    openLogins.start()
}

exports.hook_capabilities = (next, connection) => {
    if (connection.tls.enabled && connection.notes.listener.login) {
        connection.capabilities.push(`AUTH ${METHODS.join(' ')}`)
        connection.notes.allowed_auth_methods = METHODS
    }
    next()
}

exports.hook_unrecognized_command = async function (next, connection, params) {
    const isAuth = params[0].toUpperCase() === 'AUTH'
    if (isAuth && connection.notes.listener.login && !connection.tls.enabled) {
        return next(
            ...denial(new Refusal(538, '5.7.11', 'Encryption required for AUTH: send STARTTLS first')),
        )
    }
    const lock = isAuth && (await lockOf(connection))
    if (lock) {
        log.warning('login refused', { reason: 'too many failures', address: connection.remote.ip })
        return next(DENYSOFTDISCONNECT, denial(new Refusal(421, '4.7.0', lock))[1])
    }
    this.base[BASE].hook_unrecognized_command.call(this, next, connection, params)
}

exports.check_user = async function (next, connection, given, method) {
    const credentials = [given[0]?.replace(PREFIX, ''), given[1]]
    try {
        const wait = await teamLockOf(connection, credentials)
        if (wait) return postpone(next, connection, tooManyText(`of team ${credentials[0]}`, wait))
        connection.notes.checked = await whoIs(connection.notes.listener, credentials)
        await count(connection, credentials)
    } catch (err) {
        log.error('login postponed', { reason: err.message, address: connection.remote.ip })
        return postpone(next, connection, 'Logins cannot be checked right now; try again in a minute')
    }
    this.base[BASE].check_user.call(this, next, connection, credentials, method)
}

/** RFC 4954 section 4 */
function postpone(next, connection, text) {
    connection.notes.authenticating = false
    connection.respond(454, `4.7.0 ${text}`, () => next(OK))
}

exports.check_plain_passwd = (connection, user, password, done) => {
    connection.notes.login = connection.notes.checked
    if (connection.notes.login) return done(true)
    log.warning('login refused', {
        user,
        address: connection.remote.ip,
        listener: connection.notes.listener.name,
    })
    done(false, '5.7.8 Wrong user or password. The user is your team id, the password one of its API keys')
}

async function whoIs(listener, [user, password]) {
    if (!user || !password) return null
    if (listener.login === 'worker') {
        return user === WORKER && timingSafeEqual(sha256(password), worker) ? { worker: true } : null
    }
    const team = await records.login(user, password)
    return team && { team }
}

// The workers' address may be everybody's behind a proxy, and nobody guesses 32 characters: counted for teams.
async function count({ notes, remote }, [user]) {
    if (notes.listener.login !== 'team') return
    if (!notes.checked) return lockout.failed(TEAM_ID.test(user) ? user : null, remote.ip)
    openLogins.touch(notes.checked.team)
    await lockout.succeeded(user, remote.ip)
}

/** @returns {Promise<string | null>} why nobody may log in on this connection now */
async function lockOf({ notes, remote }) {
    if (notes.auth_fails >= MAX_FAILURES_PER_CONNECTION) return 'Too many failed logins on this connection'
    if (notes.listener.login !== 'team') return null
    try {
        const wait = await lockout.addressWaits(remote.ip)
        return wait ? tooManyText(`from ${remote.ip}`, wait) : null
    } catch {
        return null // check_user answers for it
    }
}

/** @returns {Promise<number>} seconds */
async function teamLockOf({ notes, remote }, [user]) {
    if (notes.listener.login !== 'team' || !TEAM_ID.test(user)) return 0
    return lockout.teamWaits(user, remote.ip)
}

const tooManyText = (whose, seconds) =>
    `Too many failed logins ${whose}; check user and API key, and try again in ${seconds} s`
