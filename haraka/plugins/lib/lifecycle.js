'use strict'

// Whether the edge still takes mail, and who is connected.

const connections = new Set()
let draining = false

const GOODBYE = '4.3.2 Shutting down; connect again'

/** Ends the connections that are between two mails; the others end with their mail. */
function drain() {
    draining = true
    for (const connection of connections) endIfIdle(connection)
}

/** A connection between two mails is told 421 (RFC 5321 section 3.8). */
function endIfIdle(connection) {
    if (connection.transaction || !connections.has(connection)) return
    connection.respond(421, GOODBYE, () => connection.disconnect())
}

module.exports = {
    connections,
    drain,
    endIfIdle,
    get draining() {
        return draining
    },
}
