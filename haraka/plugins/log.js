'use strict'

// Haraka's own log lines, as JSON of the same shape as ours. Must be the first plugin.

const log = require('./lib/log')

const LEVELS = { EMERG: 'critical', ALERT: 'critical', CRIT: 'critical', ERROR: 'error', WARN: 'warning' }

exports.hook_log = (next, logger, { level, data }) => {
    const { message, origin, uuid } = parse(data)
    // What a receiver does is no error of ours.
    const ours = level === 'ERROR' && origin === 'outbound' ? 'WARN' : level
    log.write(LEVELS[ours] ?? 'debug', 'haraka', { message, origin, transaction: uuid })
    next(OK)
}

// Haraka's first lines, from before it has read log.ini, are plain text.
function parse(data) {
    return data.startsWith('{') ? JSON.parse(data) : { message: data }
}
