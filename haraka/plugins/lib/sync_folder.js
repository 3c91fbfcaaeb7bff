'use strict'

const fs = require('node:fs/promises')

/** Makes durable which files are in the folder, by which names. */
async function syncFolder(dir) {
    const handle = await fs.open(dir)
    try {
        await handle.sync()
    } finally {
        await handle.close()
    }
}

module.exports = { syncFolder }
