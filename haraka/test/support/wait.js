'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

/**
 * @param {() => any} condition may be async
 * @returns {Promise<any>} the first truthy value of `condition`
 * @throws where there was none in time
 */
async function waitFor(condition, what, timeoutMs = 30_000) {
    const deadline = Date.now() + timeoutMs
    for (;;) {
        const value = await condition()
        if (value) return value
        if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
        await sleep(20)
    }
}

module.exports = { waitFor }
