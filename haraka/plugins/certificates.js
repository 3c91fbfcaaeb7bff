'use strict'

// New certificates without a restart: whoever renews them writes the files (KIBA_TLS_CERT, KIBA_TLS_KEY) and does nothing
// more. Connections that are open keep theirs. A pair that does not fit, as between the two writes, is not taken.

const { X509Certificate } = require('node:crypto')
const fs = require('node:fs')
const tls = require('node:tls')

const log = require('./lib/log')
const metrics = require('./lib/metrics')
const { settings } = require('./lib/settings')

const LOOK_MS = 2000
const ANY_HOST = '*'

let expires

exports.register = function () {
    const socket = this.haraka_require('tls_socket')
    const server = this.haraka_require('server')
    expires = expiryOf(fs.readFileSync(settings.tlsCert))
    metrics.gauge('kibamail_certificate_expiry_seconds', 'When it expires, since 1970', () => expires / 1000)
    const files = [settings.tlsKey, settings.tlsCert]
    for (const file of files) {
        fs.watchFile(file, { interval: LOOK_MS, persistent: false }, () => reload(socket, server.listeners))
    }
}

function reload(socket, listeners) {
    try {
        const [key, cert] = [settings.tlsKey, settings.tlsCert].map((file) => fs.readFileSync(file))
        tls.createSecureContext({ key, cert })
        // STARTTLS: as tls_socket itself sets them at the start.
        Object.assign(socket.cfg.main, { key: [key], cert: [cert] })
        socket.applySocketOpts(ANY_HOST)
        socket.load_default_opts()
        for (const listener of listeners) listener.setSecureContext?.(socket.certsByHost[ANY_HOST])
        expires = expiryOf(cert)
        log.info('certificate taken', { expires: new Date(expires).toISOString() })
    } catch (err) {
        log.warning('certificate not taken', { reason: err.message, file: settings.tlsCert })
    }
}

/** @returns {number} in milliseconds since 1970 */
const expiryOf = (cert) => Date.parse(new X509Certificate(cert).validTo)
