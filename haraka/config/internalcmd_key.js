'use strict'

// Haraka obeys INTERNALCMD (shut down, flush the queue) from any local address unless this key is set.
// Nobody is told this one.
module.exports = require('node:crypto').randomBytes(32).toString('hex')
