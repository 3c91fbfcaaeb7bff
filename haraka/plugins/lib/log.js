'use strict'

// One line of JSON on stdout for each thing worth telling an operator: ts, level, process, event, and the
// ids that matter. ts is UTC by RFC 3339 with milliseconds.

const RANK = { debug: 0, info: 1, warning: 2, error: 3, critical: 4 }

let threshold = RANK.info

/** @param {keyof RANK} level the least that is written */
function setLevel(level) {
    threshold = RANK[level]
}

/** Whether a line of this level is written. @param {keyof RANK} level */
const writes = (level) => RANK[level] >= threshold

/**
 * @param {keyof RANK} level
 * @param {string} event what happened, in a few words that stay the same each time
 * @param {object} [fields] JSON values
 */
function write(level, event, fields) {
    if (!writes(level)) return
    const ts = new Date().toISOString()
    process.stdout.write(`${JSON.stringify({ ts, level, process: 'smtp', event, ...fields })}\n`)
}

module.exports = {
    LEVELS: Object.keys(RANK),
    setLevel,
    writes,
    write,
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warning: (event, fields) => write('warning', event, fields),
    error: (event, fields) => write('error', event, fields),
    critical: (event, fields) => write('critical', event, fields),
}
