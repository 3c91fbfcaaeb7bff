'use strict'

// An authority of a test's own, and the certificates that it signs.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

class Authority {
    #home = fs.mkdtempSync(path.join(os.tmpdir(), 'authority-'))
    #serial = 1

    constructor(name = 'Test Authority') {
        const basic = ['-addext', 'basicConstraints=critical,CA:TRUE']
        this.#openssl(
            'req',
            '-x509',
            ...KEY,
            '-subj',
            `/CN=${name}`,
            '-days',
            '2',
            ...basic,
            ...this.#files('ca'),
        )
        /** PEM */
        this.certificate = this.#read('ca.crt')
    }

    /** @returns {{key: string, cert: string}} PEM; cert: the server's, and the authority's behind it */
    sign(host, { days = 2 } = {}) {
        const serial = String(this.#serial++)
        const request = path.join(this.#home, `${serial}.csr`)
        const extensions = path.join(this.#home, `${serial}.ext`)
        fs.writeFileSync(extensions, `subjectAltName=DNS:${host}\nbasicConstraints=CA:FALSE\n`)
        const [, key, , cert] = this.#files(serial)
        this.#openssl('req', '-new', ...KEY, '-subj', `/CN=${host}`, '-keyout', key, '-out', request)
        const [, caKey, , ca] = this.#files('ca')
        const signer = ['-CA', ca, '-CAkey', caKey, '-set_serial', serial]
        this.#openssl(
            'x509',
            '-req',
            '-in',
            request,
            ...signer,
            '-days',
            String(days),
            '-extfile',
            extensions,
            '-out',
            cert,
        )
        return { key: this.#read(`${serial}.key`), cert: this.#read(`${serial}.crt`) + this.certificate }
    }

    remove() {
        fs.rmSync(this.#home, { recursive: true, force: true })
    }

    #files(name) {
        return ['-keyout', path.join(this.#home, `${name}.key`), '-out', path.join(this.#home, `${name}.crt`)]
    }

    #read(file) {
        return fs.readFileSync(path.join(this.#home, file), 'utf8')
    }

    #openssl(...args) {
        execFileSync('openssl', args, { stdio: 'pipe' })
    }
}

module.exports = { Authority }
