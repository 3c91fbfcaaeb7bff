'use strict'

// Writes that are on disk when they are done: O_DSYNC has the kernel do in one call what a write and an fdatasync do in
// two, and each call to libuv's threads costs more than what it writes.

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_TRUNC, O_WRONLY } = require('node:fs').constants

/** What to open a file with. */
const FLAGS = {
    append: O_WRONLY | O_CREAT | O_APPEND | O_DSYNC,
    create: O_WRONLY | O_CREAT | O_EXCL | O_DSYNC,
    replace: O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC,
}

/**
 * @param {import('node:fs/promises').FileHandle} handle opened with one of FLAGS
 * @param {Buffer[]} pieces
 * @returns {Promise<void>} when they are on disk, one behind the other
 */
async function writeDurably(handle, pieces) {
    const { bytesWritten } = await handle.writev(pieces)
    const length = pieces.reduce((total, piece) => total + piece.length, 0)
    // A disk that is nearly full takes a part, and tells why at the next one.
    if (bytesWritten < length) await handle.appendFile(Buffer.concat(pieces).subarray(bytesWritten))
}

module.exports = { FLAGS, writeDurably }
