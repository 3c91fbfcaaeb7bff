'use strict'

// One process a home: two would write the same spool. The lock is flock(2)'s, taken through the program of that
// name as Node has no call for it: it belongs to the open file, outlives the program, and goes with this process.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const TAKEN = 1

/**
 * Holds `home` until this process ends, however it ends.
 * @param {string} home a folder
 * @throws {Error} where another process holds it
 */
function lockHome(home) {
    const file = fs.openSync(path.join(home, 'lock'), 'w')
    const { status, error, stderr } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
        stdio: ['ignore', 'ignore', 'pipe', file],
    })
    if (error)
        throw new Error(`Install util-linux; its flock keeps two edges out of ${home}`, { cause: error })
    if (status === TAKEN) {
        throw new Error(`Another edge runs in ${home}. Stop it, or give this one an EDGE_HOME of its own`)
    }
    if (status !== 0) throw new Error(`flock cannot lock ${home}: ${stderr}`)
}

module.exports = { lockHome }
