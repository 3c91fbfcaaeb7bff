'use strict'

// Signs every mail of the batch documents that come in, one a line in base64, with an RSA and an Ed25519 key made
// for it. Says as JSON what is to be published for the keys, and of each mail: it, signed, and mailauth's verdicts.

const { generateKeyPairSync } = require('node:crypto')
const fs = require('node:fs')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const { parseBatch } = require('../../plugins/lib/batch_format')
const { signParts } = require('../../plugins/lib/dkim')

const pairs = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
}

function keysOf(domain) {
    return Object.entries(pairs).map(([type, { privateKey }]) => ({
        domain,
        selector: type,
        algorithm: `${type}-sha256`,
        privateKey,
    }))
}

const records = Object.fromEntries(
    Object.entries(pairs).map(([type, { publicKey }]) => {
        const der = publicKey.export({ type: 'spki', format: 'der' })
        // RFC 8463 section 4: the bare 32 bytes, which end the DER form.
        return [
            type,
            `v=DKIM1; k=${type}; p=${(type === 'rsa' ? der : der.subarray(-32)).toString('base64')}`,
        ]
    }),
)

const resolver = async (name) => [[records[name.split('.')[0]]]]

async function signed(mail) {
    const fields = await signParts(mail.template, mail.values(), keysOf(mail.domain))
    const whole = Buffer.concat([fields, ...mail.parts()])
    const { results } = await dkimVerify(whole, { resolver })
    return { signed: whole.toString('base64'), verdicts: results.map(({ status }) => status.result) }
}

async function main() {
    const documents = fs.readFileSync(0, 'latin1').split('\n').filter(Boolean)
    const mails = documents.flatMap((text) => parseBatch(Buffer.from(text, 'base64')).mails)
    const answers = []
    for (const mail of mails) answers.push(await signed(mail))
    console.log(JSON.stringify({ records, mails: answers }))
}

main()
