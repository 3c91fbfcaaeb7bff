'use strict'

// DKIM by the From domain's keys. After every change of a header: behind all that have hook_data_post.

const { signatures } = require('./lib/dkim')
const { hook, Refusal } = require('./lib/hook')
const log = require('./lib/log')
const { keysOf, NoKey } = require('./lib/signing')
const { settings } = require('./lib/settings')

exports.register = () => {
    if (!settings.sign) log.warning('KIBA_SIGN=0: no mail is signed here; a smarthost has to sign it')
}

exports.hook_data_post = hook(async ({ transaction }) => {
    const { mail } = transaction.notes
    if (!mail?.signed) return
    const keys = await keysFor(mail)
    if (keys.length === 0) return
    for (const value of await signatures(transaction.message_stream.whole(), keys))
        transaction.add_leading_header('DKIM-Signature', value)
})

async function keysFor({ domain, teamId }) {
    try {
        return await keysOf(domain, teamId)
    } catch (err) {
        throw err instanceof NoKey ? new Refusal(451, '4.7.5', err.message) : err
    }
}
