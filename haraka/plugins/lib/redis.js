'use strict'

// The edge's one connection to Redis. A command fails at once while Redis is away, so that the mail it is for
// is answered 451 instead of waiting; the connection comes back by itself.

const Redis = require('ioredis')

const { hold, release } = require('./backpressure')
const log = require('./log')

const LONGEST_PAUSE_MS = 1000
const COMMAND_TIMEOUT_MS = 3000

function connect(url) {
    const redis = new Redis(url, {
        enableOfflineQueue: false,
        enableAutoPipelining: true,
        maxRetriesPerRequest: 0,
        commandTimeout: COMMAND_TIMEOUT_MS,
        retryStrategy: (attempt) => Math.min(attempt * 50, LONGEST_PAUSE_MS),
    })
    let away = false
    redis.on('error', (err) => {
        if (!away) log.error('redis is away', { reason: err.message || err.code })
        away = true
        hold('redis')
    })
    redis.on('ready', () => {
        if (away) log.info('redis is back')
        away = false
        release('redis')
    })
    return redis
}

module.exports = { connect }
