'use strict'

const assert = require('node:assert/strict')
const { generateKeyPairSync } = require('node:crypto')
const { after, before, test } = require('node:test')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

const names = require('../plugins/lib/names')
const { batchOf, documentOf, mailOf } = require('./support/batch')
const { DOMAIN, Edge, SELECTOR, seal } = require('./support/edge')
const { Worker } = require('./support/worker')

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

test('a worker may ask for the signatures of a batch of which nothing is taken', async () => {
    const batch = batchOf([mailOf(), mailOf({ recipient: 'nobody' })])
    const worker = await Worker.connect(edge)
    const answer = await worker.submit(documentOf(batch), undefined, 'sign')
    worker.end()
    const lines = answer.split('\r\n').map((line) => line.slice(4))
    assert.equal(lines.shift(), '1 refused 550 5.1.3 The recipient must be one plain address')
    assert.equal(lines.pop(), `batch ${batch.id} 2`)
    assert.ok(lines.every((line) => line.startsWith('0 ')))

    const fields = lines.map((line) => `${line.slice(2)}\r\n`).join('')
    const [{ values, contactId }] = batch.mails
    const [{ chunks }] = batch.templates
    const mail = fields + chunks.map((chunk, i) => chunk + (values[i] ?? '')).join('')
    const published = `v=DKIM1; k=rsa; p=${edge.keys.publicKey.toString('base64')}`
    const { results } = await dkimVerify(mail, { resolver: async () => [[published]] })
    assert.ok(results.some(({ selector, status }) => selector === SELECTOR && status.result === 'pass'))
    assert.equal(await edge.redis.client.exists(names.broadcastClaimKey(5, contactId)), 0)
    assert.equal(await edge.metric('kibamail_spooled_mails'), 0)
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
