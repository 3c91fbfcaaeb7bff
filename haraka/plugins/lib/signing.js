'use strict'

// Which keys sign a mail, and a mail from the spool with its signatures.

const { signParts } = require('./dkim')
const { records } = require('./services')
const { settings } = require('./settings')

/** The domain's record is gone from Redis, or was never there; the API writes it again. */
class NoKey extends Error {}

/**
 * @param {string} domain of the author
 * @returns {Promise<import('./dkim').Key[]>} none where another host signs (KIBA_SIGN=0)
 * @throws {NoKey}
 */
async function keysOf(domain) {
    if (!settings.sign) return []
    const record = await records.domain(domain)
    if (!record) throw new NoKey(`${domain} has no signing key here any more`)
    return record.keys
}

/**
 * @param {import('./spooled_mail').SpooledMail} mail
 * @returns {Promise<Buffer[]>} what goes out, not dot-stuffed
 * @throws {NoKey}
 */
async function signedParts(mail) {
    const keys = mail.signed ? [] : await keysOf(mail.domain)
    if (keys.length === 0) return mail.parts()
    return [await signParts(mail.template, mail.values(), keys), ...mail.parts()]
}

module.exports = { NoKey, keysOf, signedParts }
