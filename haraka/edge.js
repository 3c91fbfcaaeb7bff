'use strict'

// The `smtp` process. One edge runs in this process (node.js in this folder); of several each runs in one of its own
// (plugins/lib/nodes.js), and this one starts them.

const { format } = require('node:util')

const log = require('./plugins/lib/log')

process.on('uncaughtException', (err) => {
    log.critical('stopped by an error', { reason: err.message, stack: err.stack })
    process.exit(1)
})

// Stdout holds our lines and nothing else; some libraries print when they are loaded.
for (const method of ['log', 'info', 'warn', 'error']) {
    console[method] = (...args) => log.debug('printed', { message: format(...args) })
}

const { settings } = require('./plugins/lib/settings')

log.setLevel(settings.logLevel)
if (settings.nodes > 1 && settings.node === 0) startNodes()
else require('./node')

function startNodes() {
    const { Nodes } = require('./plugins/lib/nodes')
    const nodes = new Nodes(settings)
    nodes.start()
    process.on('SIGTERM', () => nodes.drain())
    process.on('SIGINT', () => nodes.drain())
    process.on('SIGHUP', () => nodes.signal('SIGHUP'))
}
