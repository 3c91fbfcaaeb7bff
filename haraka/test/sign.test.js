'use strict'

const assert = require('node:assert/strict')
const { generateKeyPairSync } = require('node:crypto')
const { after, before, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const names = require('../plugins/lib/names')
const { DOMAIN, Edge, SELECTOR, seal } = require('./support/edge')

let edge

before(async () => {
    edge = await Edge.start()
})
after(() => edge.stop())

async function sent(from, to) {
    await from
        .team()
        .sendMail({ from: `Ann <ann@${DOMAIN}>`, to, subject: 'Grüße', text: 'Hello, à bientôt' })
    return (await from.mailbox.mailTo(to)).raw
}

test('a domain with an Ed25519 key signs with both of its keys', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    await edge.redis.client.hset(names.domainKey(DOMAIN), {
        ed25519_selector: 'ed1',
        ed25519_private_key: seal(pem, edge.secrets.ENCRYPTION_KEY),
    })
    const published = {
        [SELECTOR]: `v=DKIM1; k=rsa; p=${edge.keys.publicKey.toString('base64')}`,
        ed1: `v=DKIM1; k=ed25519; p=${publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`,
    }
    const resolver = async (name) => [[published[name.split('.')[0]]]]
    const { results } = await dkimVerify(await sent(edge, 'both@mailbox.example'), { resolver })
    const seen = results.map(({ algo, selector, status }) => [algo, selector, status.result])
    assert.deepEqual(seen.sort(), [
        ['ed25519-sha256', 'ed1', 'pass'],
        ['rsa-sha256', SELECTOR, 'pass'],
    ])
})

test('with KIBA_SIGN=0 mail leaves unsigned, and the log says so from the start', async () => {
    const unsigning = await Edge.start({ KIBA_SIGN: 0 })
    try {
        assert.equal(
            (await unsigning.logged('KIBA_SIGN=0: no mail is signed here; a smarthost has to sign it')).level,
            'warning',
        )
        assert.doesNotMatch((await sent(unsigning, 'bare@mailbox.example')).toString(), /^DKIM-Signature/m)
    } finally {
        await unsigning.stop()
    }
})
