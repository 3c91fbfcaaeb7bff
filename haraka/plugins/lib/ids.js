'use strict'

const { randomFillSync } = require('node:crypto')
const { v7 } = require('uuid')

const RANDOM_BYTES = 16 // of one id, as the library wants them
const POOL_BYTES = 256 * RANDOM_BYTES

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/** @returns {string} a UUID of version 7 (RFC 9562), its randomness from a pool: to ask the system each time costs more */
function newId() {
    if (used === POOL_BYTES) {
        randomFillSync(pool)
        used = 0
    }
    return v7({ random: pool.subarray(used, (used += RANDOM_BYTES)) })
}

module.exports = { newId }
