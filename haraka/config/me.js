'use strict'

// The name in the greeting, in EHLO and in Received.
module.exports = require('../plugins/lib/settings').settings.hostname
