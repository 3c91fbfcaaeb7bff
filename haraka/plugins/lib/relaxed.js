'use strict'

// The `relaxed` canonical form of header fields and bodies (RFC 6376 sections 3.4.2 and 3.4.4). A body comes in
// pieces, so that those which many mails share are reduced once.

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

// Bodies up to this size are put together in one place, again and again.
const workbench = Buffer.allocUnsafe(1 << 18)

/**
 * @param {string} field `Name: value`, folded or not, a character a byte
 * @returns {string} `name:value`
 */
function relaxedField(field) {
    const colon = field.indexOf(':')
    const value = field
        .slice(colon + 1)
        .replace(/\r\n/g, '')
        .replace(/[ \t]+/g, ' ')
    // Not trim(): the byte A0, the last one of an à, is a blank to it.
    return `${field.slice(0, colon).trimEnd().toLowerCase()}:${value.replace(/^ | $/g, '')}`
}

/**
 * What a piece of a body comes to, wherever it stands. White space and line ends behind its text are counted, not
 * written: what comes next decides what becomes of them.
 * @typedef {object} Piece
 * @property {Buffer} bytes canonical, up to the end of the text; empty where there is no text
 * @property {boolean} startsWithText whether neither white space nor a line end stands before it
 * @property {number} lineEnds behind the text
 * @property {boolean} blank whether white space stands behind the last of them
 */

/**
 * @param {Buffer} body a piece of one; a CR and its LF are not apart
 * @returns {Piece}
 */
function relaxedPiece(body) {
    const bytes = Buffer.allocUnsafe(body.length)
    let length = 0
    let lineEnds = 0
    let blank = false
    let startsWithText = false
    for (let i = 0; i < body.length; i++) {
        const byte = body[i]
        if (byte === SPACE || byte === TAB) {
            blank = true
        } else if (byte === CR && body[i + 1] === LF) {
            lineEnds += 1
            blank = false
            i += 1
        } else {
            if (i === 0) startsWithText = true
            length = writeGap(bytes, length, lineEnds, blank)
            bytes[length++] = byte
            lineEnds = 0
            blank = false
        }
    }
    return { bytes: bytes.subarray(0, length), startsWithText, lineEnds, blank }
}

/**
 * @param {Piece[]} pieces a whole body
 * @returns {Buffer} its canonical form; good till the next call
 */
function relaxedBody(pieces) {
    const room = pieces.reduce((sum, { bytes, lineEnds }) => sum + bytes.length + 2 * lineEnds + 1, 2)
    const body = room <= workbench.length ? workbench : Buffer.allocUnsafe(room)
    let length = 0
    let lineEnds = 0
    let blank = false
    for (const piece of pieces) {
        if (piece.bytes.length === 0) {
            blank = piece.blank || (blank && piece.lineEnds === 0)
            lineEnds += piece.lineEnds
            continue
        }
        length = writeGap(body, length, lineEnds, blank && piece.startsWithText)
        length += piece.bytes.copy(body, length)
        lineEnds = piece.lineEnds
        blank = piece.blank
    }
    // Empty lines at the end go; a body that is not empty ends in one line end.
    if (length > 0) length = writeGap(body, length, 1, false)
    return body.subarray(0, length)
}

function writeGap(bytes, length, lineEnds, blank) {
    for (; lineEnds > 0; lineEnds--) {
        bytes[length++] = CR
        bytes[length++] = LF
    }
    if (blank) bytes[length++] = SPACE
    return length
}

module.exports = { relaxedBody, relaxedField, relaxedPiece }
