'use strict'

// The edge's listeners, told apart by their port.

const { settings } = require('./settings')

// login: who may log in there; null where mail comes in from strangers.
const listeners = [
    { name: 'inbound', host: settings.host, port: settings.inboundPort, login: null },
    { name: 'submission', host: settings.host, port: settings.submissionPort, login: 'team' },
    { name: 'submission-2', host: settings.host, port: settings.otherSubmissionPort, login: 'team' },
    { name: 'smtps', host: settings.host, port: settings.smtpsPort, login: 'team' },
    { name: 'internal', host: settings.internalHost, port: settings.internalPort, login: 'worker' },
].filter(({ port }) => port !== 0)

const listenerAt = (port) => listeners.find((listener) => listener.port === port)

module.exports = { listeners, listenerAt }
