'use strict'

const assert = require('node:assert/strict')
const { X509Certificate } = require('node:crypto')
const fs = require('node:fs')
const { after, before, test } = require('node:test')
const tls = require('node:tls')

const { Authority } = require('./support/certificates')
const { Edge, TEAM } = require('./support/edge')
const { freePorts } = require('./support/ports')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')

let edge
let otherPort
const authority = new Authority()

before(async () => {
    ;[otherPort] = await freePorts(1)
    edge = await Edge.start({ KIBA_SMTP_OTHER_SUBMISSION_PORT: otherPort })
})
after(async () => {
    authority.remove()
    await edge.stop()
})

async function shownOverStartTls() {
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.startTls()
    const { fingerprint256 } = client.socket.getPeerCertificate()
    client.end()
    return fingerprint256
}

function shownOverTls(options = {}) {
    return new Promise((resolve, reject) => {
        const to = { host: '127.0.0.1', port: edge.ports.smtps, rejectUnauthorized: false, ...options }
        const socket = tls.connect(to, () => {
            resolve(socket.getPeerCertificate().fingerprint256)
            socket.destroy()
        })
        socket.once('error', reject)
    })
}

function renew(key, cert) {
    fs.writeFileSync(edge.env.KIBA_TLS_KEY, key)
    fs.writeFileSync(edge.env.KIBA_TLS_CERT, cert)
}

test('a renewed certificate is shown by every listener without a restart, and open connections go on', async () => {
    const open = await SmtpClient.connect(edge.ports.submission)
    await open.login(TEAM.id, TEAM.apiKey)
    const { key, cert } = authority.sign('mx.kibamail.test')
    const { fingerprint256, validTo } = new X509Certificate(cert)
    renew(key, cert)
    await waitFor(
        async () => (await shownOverStartTls()) === fingerprint256,
        'the certificate, after STARTTLS',
    )
    assert.equal(await shownOverTls(), fingerprint256)
    assert.equal(await shownOverTls({ servername: 'mx.kibamail.test' }), fingerprint256)
    assert.match(await open.send('NOOP'), /^250 /)
    open.end()
    assert.equal(await edge.metric('kibamail_certificate_expiry_seconds'), Date.parse(validTo) / 1000)
})

test('a key that does not fit is not taken, and the old pair stays', async () => {
    const before = await shownOverTls()
    const [one, other] = [authority.sign('mx.kibamail.test'), authority.sign('mx.kibamail.test')]
    renew(one.key, other.cert)
    await edge.logged('certificate not taken')
    assert.equal(await shownOverTls(), before)
    assert.equal(await shownOverStartTls(), before)
})

test('submission listens on a second port where one is set', async () => {
    assert.ok(await edge.team({ port: otherPort }).verify())
})
