'use strict'

// Which keys sign a mail, and a mail from the spool with its signatures.

const { signParts } = require('./dkim')
const { records } = require('./services')
const { settings } = require('./settings')

/** The domain's record is gone from Redis, or was never there, and the API writes it again; or it is another team's now. */
class NoKey extends Error {}

/**
 * @param {string} domain of the author
 * @param {number} teamId whose mail it is
 * @returns {Promise<import('./dkim').Key[]>} none where another host signs (KIBA_SIGN=0)
 * @throws {NoKey}
 */
async function keysOf(domain, teamId) {
    if (!settings.sign) return []
    const record = await records.domain(domain)
    if (record?.teamId !== teamId)
        throw new NoKey(`Team ${teamId} has no signing key of ${domain} here any more`)
    return record.keys
}

/**
 * @param {import('./spooled_mail').SpooledMail} mail
 * @returns {Promise<Buffer[]>} what goes out, not dot-stuffed
 * @throws {NoKey}
 */
async function signedParts(mail) {
    const keys = mail.signed ? [] : await keysOf(mail.domain, mail.teamId)
    if (keys.length === 0) return mail.parts()
    return [await signParts(mail.template, mail.values(), keys), ...mail.parts()]
}

module.exports = { NoKey, keysOf, signedParts }
