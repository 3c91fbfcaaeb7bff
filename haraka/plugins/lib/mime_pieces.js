'use strict'

// A mail taken apart at its HTML parts, and nowhere else: what lies between is kept as it came, octet for octet.

const { once } = require('node:events')
const { Splitter } = require('@zone-eu/mailsplit')
const libqp = require('libqp')

const MOST_PARTS = 1000
const LONGEST_LINE = 998 // RFC 5322 section 2.1.1
const BASE64_LINE = 76 // RFC 2045 section 6.8
// One octet of these may be read as one character without harm: ASCII means itself in them.
const CHARSET = /^(utf-?8|us-ascii|ascii|latin1|iso-8859-\d+|windows-125\d)$/i
// RFC 1847, RFC 8551, RFC 3156
const SEALED =
    /^(multipart\/(signed|encrypted)|application\/(x-)?pkcs7-(mime|signature)|application\/pgp-.*)$/
const INLINE_PGP = '-----BEGIN PGP'
const LINE_END = '\r\n'

/** An HTML part. Its text is held as latin1: one character an octet. */
class HtmlPart {
    /** @param {Buffer} raw as it came @param {string} encoding of the transfer, in lower case */
    constructor(raw, encoding) {
        this.raw = raw
        this.encoding = encoding
        this.html = decoded(raw, encoding).latin1Slice()
    }

    /** @returns {Buffer} the part with another text, in its own encoding; as it was where a line became too long */
    withHtml(html) {
        const text = Buffer.from(html, 'latin1')
        if (this.encoding === 'quoted-printable') return Buffer.from(libqp.wrap(libqp.encode(text)))
        if (this.encoding === 'base64') return base64(text)
        return html.split(LINE_END).every(({ length }) => length <= LONGEST_LINE) ? text : this.raw
    }
}

/**
 * @param {Buffer} mail
 * @returns {Promise<(Buffer | HtmlPart)[] | null>} null for a mail that must stay as it is (signed, encrypted), or that
 *   cannot be taken apart
 */
async function piecesOf(mail) {
    if (mail.includes(INLINE_PGP)) return null
    try {
        const pieces = await split(mail)
        const whole = pieces && Buffer.concat(pieces.map((piece) => piece.raw ?? piece))
        return whole?.equals(mail) ? pieces : null
    } catch {
        return null // it has too many parts, or too long a header
    }
}

async function split(mail) {
    const splitter = new Splitter({ ignoreEmbedded: true, maxChildNodes: MOST_PARTS })
    const pieces = []
    let html = null // what came of the HTML part that is being read
    let isSealed = false
    const close = () => {
        if (html) pieces.push(new HtmlPart(Buffer.concat(html.chunks), html.encoding))
        html = null
    }
    splitter.on('data', (item) => {
        if (item.type === 'body' && html) return html.chunks.push(item.value)
        close()
        if (item.type !== 'node') return pieces.push(item.value)
        isSealed ||= SEALED.test(item.contentType)
        pieces.push(item.getHeaders())
        if (isTrackable(item)) html = { chunks: [], encoding: item.encoding || '7bit' }
    })
    splitter.end(mail)
    await once(splitter, 'end')
    close()
    return isSealed ? null : pieces
}

function isTrackable({ contentType, disposition, charset, encoding }) {
    return (
        contentType === 'text/html' &&
        disposition !== 'attachment' &&
        (!charset || CHARSET.test(charset)) &&
        ['', '7bit', '8bit', 'binary', 'quoted-printable', 'base64'].includes(encoding || '')
    )
}

function decoded(raw, encoding) {
    if (encoding === 'quoted-printable') return libqp.decode(raw.latin1Slice())
    return encoding === 'base64' ? Buffer.from(raw.latin1Slice(), 'base64') : raw
}

function base64(text) {
    const lines = text.toString('base64').match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? []
    return Buffer.from(lines.map((line) => line + LINE_END).join(''))
}

module.exports = { piecesOf, HtmlPart }
