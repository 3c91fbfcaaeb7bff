'use strict'

// RFC 5321 section 4.5.2: a line that begins with a dot gets another one, and a dot alone ends the mail.

const DOT = Buffer.from('.')
const NEWLINE = '\n'.charCodeAt(0)
const LINE_BEGINS_WITH_DOT = Buffer.from('\n.')
const CRLF = Buffer.from('\r\n')
const END = Buffer.from('.\r\n')

const ROOM = 128 * 1024
let room = Buffer.allocUnsafeSlow(ROOM)

/**
 * @param {Buffer} bytes lines that end in LF or CRLF
 * @returns {Buffer} the same one where no line begins with a dot
 */
function stuff(bytes) {
    const dots = beginningDots(bytes, bytes.length)
    return dots.length === 0 ? bytes : cutAt(bytes, dots, (pieces) => pieces.flatMap(afterDot))
}

/** @param {Buffer} bytes stuffed @returns {Buffer} the same one where no line begins with a dot */
function unstuff(bytes) {
    const dots = beginningDots(bytes, bytes.length)
    return dots.length === 0 ? bytes : cutAt(bytes, dots, (pieces) => pieces.map(withoutDot))
}

/**
 * @param {Buffer[]} parts a mail whose lines end in CRLF; a line may go across parts
 * @returns {Buffer} as it follows DATA: stuffed, with the final dot. The next call writes over it, unless it is kept
 */
function asData(parts) {
    const whole = joined(parts)
    const length = whole.length - END.length
    if (length > 0 && whole[length - 1] !== NEWLINE) return asData([...parts, CRLF])
    const dots = beginningDots(whole, length)
    return dots.length === 0 ? whole : cutAt(whole, dots, (pieces) => pieces.flatMap(afterDot))
}

/** Who still needs what `asData` has given last says so. */
function keepData() {
    room = Buffer.allocUnsafeSlow(ROOM)
}

/** Most mails fit into one and the same room: memory for each would cost more than all the rest here. */
function joined(parts) {
    let length = END.length
    for (const part of parts) length += part.length
    if (length > ROOM) return Buffer.concat([...parts, END])
    let at = 0
    for (const part of parts) {
        room.set(part, at)
        at += part.length
    }
    room.set(END, at)
    return room.subarray(0, length)
}

/** Where a line begins with a dot, within the first `length` bytes. */
function beginningDots(bytes, length) {
    const dots = length > 0 && bytes[0] === DOT[0] ? [0] : []
    let at = bytes.indexOf(LINE_BEGINS_WITH_DOT)
    while (at !== -1 && at + 1 < length) {
        dots.push(at + 1)
        at = bytes.indexOf(LINE_BEGINS_WITH_DOT, at + 1)
    }
    return dots
}

/** @param {(pieces: Buffer[]) => Buffer[]} change gets what begins with each of the dots */
function cutAt(bytes, dots, change) {
    const pieces = dots.map((at, i) => bytes.subarray(at, dots[i + 1]))
    return Buffer.concat([bytes.subarray(0, dots[0]), ...change(pieces)])
}

const afterDot = (piece) => [DOT, piece]
const withoutDot = (piece) => piece.subarray(1)

module.exports = { stuff, unstuff, asData, keepData }
