'use strict'

// The answer to a batch that is only signed (docs/batch-format.md): what would go in front of each of its mails.

const { signedParts } = require('./signing')

/**
 * @param {import('./batch_format').Batch} batch
 * @returns {Promise<string[]>} its lines
 * @throws {import('./signing').NoKey}
 */
async function signatureLines({ id, mails, refused, size }) {
    const lines = refused.map(
        ({ index, code, enhanced, text }) => `${index} refused ${code} ${enhanced} ${text}`,
    )
    for (const mail of mails) {
        for (const line of await fieldLines(mail)) lines.push(`${mail.index} ${line}`)
    }
    return [...lines, `batch ${id} ${size}`]
}

/** Of the DKIM-Signature fields; none where another host signs. */
async function fieldLines(mail) {
    const parts = await signedParts(mail)
    const isSigned = parts.length > mail.parts().length
    return isSigned ? parts[0].toString('latin1').trimEnd().split('\r\n') : []
}

module.exports = { signatureLines }
