'use strict'

// How long a server may take, in milliseconds.

const MINUTE = 60_000

/** @typedef {typeof TIMEOUTS} Timeouts */
const TIMEOUTS = {
    connect: 30_000,
    // RFC 5321 section 4.5.3.2, which gives no time for EHLO, RSET and the handshake.
    greeting: 5 * MINUTE,
    helo: 5 * MINUTE,
    startTls: 5 * MINUTE,
    mail: 5 * MINUTE,
    rcpt: 5 * MINUTE,
    data: 2 * MINUTE,
    block: 3 * MINUTE,
    dot: 10 * MINUTE,
    reset: 5 * MINUTE,
    quit: 5000,
    /** How long a connection is kept without mail: servers close them after a minute or so. */
    idle: 15_000,
}

module.exports = { TIMEOUTS }
