'use strict'

// The signing operation itself, on libuv's threads: 250 µs for RSA-2048, against 30 µs for all else of a mail.
//
// Those threads serve files too, first come first served, and an fsync that a mail waits for must not stand behind
// a batch of five hundred signatures. So only a few are handed to them at a time; the others wait here.

const { hash, sign } = require('node:crypto')
const os = require('node:os')

// Enough to keep the threads at work while JavaScript is busy for 2 ms; an fsync waits no longer than that.
const AT_ONCE = 8 * os.availableParallelism()

const waiting = []
let underWay = 0

/**
 * @param {'rsa-sha256' | 'ed25519-sha256'} algorithm of RFC 6376 or RFC 8463
 * @param {Buffer} data
 * @param {import('node:crypto').KeyObject} privateKey
 * @returns {Promise<Buffer>}
 */
function signRaw(algorithm, data, privateKey) {
    return new Promise((resolve, reject) => {
        const start = () => {
            underWay += 1
            const done = (err, signature) => {
                underWay -= 1
                waiting.shift()?.()
                if (err) reject(err)
                else resolve(signature)
            }
            if (algorithm === 'rsa-sha256') sign('sha256', data, privateKey, done)
            // RFC 8463 section 3: PureEdDSA over the SHA-256 of the data
            else sign(null, hash('sha256', data, 'buffer'), privateKey, done)
        }
        if (underWay < AT_ONCE) start()
        else waiting.push(start)
    })
}

module.exports = { signRaw }
