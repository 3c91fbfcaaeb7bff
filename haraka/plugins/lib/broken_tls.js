'use strict'

// Servers with which a TLS handshake failed: for an hour they are spoken to in the clear, as mail to them would
// never leave otherwise. TLS towards receivers is opportunistic (RFC 7435).

const { steadyNow } = require('./clock')

const REMEMBERED_MS = 3600_000
const AT_MOST = 10_000

const until = new Map()

/** @param {string} server its address */
function remember(server) {
    if (until.size >= AT_MOST) until.clear()
    until.set(server, steadyNow() + REMEMBERED_MS)
}

/** @returns {Date | null} when the handshake failed; null where none did lately */
function failedAt(server) {
    const end = until.get(server)
    if (end === undefined) return null
    if (steadyNow() < end) return new Date(end - REMEMBERED_MS)
    until.delete(server)
    return null
}

/** As if no handshake had ever failed. */
function forget() {
    until.clear()
}

module.exports = { remember, failedAt, forget }
