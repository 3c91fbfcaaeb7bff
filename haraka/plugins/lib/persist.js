'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

const log = require('./log')

const PAUSE_MS = 5000

/**
 * Does what must be done, however often the disk refuses it.
 * @param {string} what for the log
 * @param {() => Promise<any>} work
 * @returns {Promise<any>} what `work` resolved to in the end
 */
async function persist(what, work) {
    for (;;) {
        try {
            return await work()
        } catch (err) {
            log.error(what, { reason: err.message, again_in_s: PAUSE_MS / 1000 })
            await sleep(PAUSE_MS, undefined, { ref: false })
        }
    }
}

module.exports = { persist }
