'use strict'

// Opens what sidecars/deliverability/seal.py closed: base64 of nonce (12 bytes), ciphertext, tag (16 bytes);
// AES-256-GCM, no associated data.

const { createDecipheriv } = require('node:crypto')

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * @param {string} sealed base64
 * @param {Buffer} key 32 bytes
 * @returns {Buffer} the plaintext
 * @throws {Error} where it was sealed with another key, or is damaged
 */
function open(sealed, key) {
    const bytes = Buffer.from(sealed, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}

module.exports = { open }
