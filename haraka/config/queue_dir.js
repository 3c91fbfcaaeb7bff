'use strict'

module.exports = require('../plugins/lib/settings').settings.queueDir
