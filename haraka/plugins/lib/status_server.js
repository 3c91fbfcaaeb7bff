'use strict'

// The HTTP server of /health and /metrics. Its listener is meant for the private network, and is safe beyond it: who asks
// slowly has a few seconds, and is one of so many.

const { createServer } = require('node:http')

const LIMITS = {
    headersTimeout: 5000,
    requestTimeout: 5000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
}
const MOST_CONNECTIONS = 1000

/** @param {import('node:http').RequestListener} answer */
function statusServer(answer) {
    const server = createServer(LIMITS, answer)
    server.maxConnections = MOST_CONNECTIONS
    return server
}

module.exports = { statusServer }
