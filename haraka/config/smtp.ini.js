'use strict'

const { listeners } = require('../plugins/lib/listeners')
const { settings } = require('../plugins/lib/settings')

module.exports = {
    main: {
        listen: listeners
            .map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`))
            .join(','),
        smtps_port: listeners.find(({ name }) => name === 'smtps').port,
        inactivity_timeout: settings.idleSeconds,
        // One process: no cluster.
        nodes: 0,
        daemonize: false,
        graceful_shutdown: true,
    },
    headers: { add_received: true },
}
