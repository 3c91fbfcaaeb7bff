'use strict'

// The token of a mail: message id and MAC, as sidecars/mail/tokens.py tells. Both halves are held to
// tests/vectors/tokens.json.

const { createHmac, timingSafeEqual } = require('node:crypto')

const TOKEN_LENGTH = 40
const LABEL = 'kibamail-token-v1'
const LINK_LABEL = 'kibamail-link-v1'
const MAC_BYTES = 9
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567' // RFC 4648 section 6, in lower case

/** @returns {string} 40 characters: base32 of the 16 bytes of the message id and 9 of their HMAC-SHA256 */
function makeToken(messageId, secret) {
    const id = Buffer.from(messageId.replaceAll('-', ''), 'hex')
    return encode(Buffer.concat([id, mac(id, secret)]))
}

/** @returns {string | null} the message id, whatever the token's case; null where it is forged or malformed */
function openToken(token, secret) {
    const opened = decode(token.toLowerCase())
    if (opened === null) return null
    const id = opened.subarray(0, 16)
    if (!timingSafeEqual(opened.subarray(16), mac(id, secret))) return null
    return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Where a link of one mail leads, so that nobody can lead it elsewhere (sidecars/mail/sealed_links.py opens it).
 * @returns {string} base64url of 9 bytes of HMAC-SHA256 and the address
 */
function sealLink(messageId, index, url, secret) {
    const id = Buffer.from(messageId.replaceAll('-', ''), 'hex')
    const sealed = createHmac('sha256', secret)
        .update(LINK_LABEL)
        .update(id)
        .update(`${index}:${url}`)
        .digest()
    return Buffer.concat([sealed.subarray(0, MAC_BYTES), Buffer.from(url)]).toString('base64url')
}

function mac(id, secret) {
    return createHmac('sha256', secret).update(LABEL).update(id).digest().subarray(0, MAC_BYTES)
}

// Five bytes are eight letters; ten bits at a time are two of them.
const PAIRS = [...ALPHABET].flatMap((first) => [...ALPHABET].map((second) => first + second))

function encode(bytes) {
    let token = ''
    for (let i = 0; i < bytes.length; i += 5) {
        const [a, b, c, d, e] = [bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3], bytes[i + 4]]
        token +=
            PAIRS[(a << 2) | (b >> 6)] +
            PAIRS[((b & 0x3f) << 4) | (c >> 4)] +
            PAIRS[((c & 0x0f) << 6) | (d >> 2)] +
            PAIRS[((d & 0x03) << 8) | e]
    }
    return token
}

function decode(token) {
    if (token.length !== TOKEN_LENGTH || !/^[a-z2-7]*$/.test(token)) return null
    const bytes = Buffer.alloc((TOKEN_LENGTH / 8) * 5)
    for (let i = 0; i < TOKEN_LENGTH / 8; i++) {
        const letters = token.slice(i * 8, i * 8 + 8)
        bytes.writeUIntBE(
            [...letters].reduce((group, letter) => group * 32 + ALPHABET.indexOf(letter), 0),
            i * 5,
            5,
        )
    }
    return bytes
}

module.exports = { makeToken, openToken, sealLink }
