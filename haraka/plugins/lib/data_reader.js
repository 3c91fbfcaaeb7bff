'use strict'

// Reads the text behind DATA to its final dot in large pieces, where a line at a time would cost more than all that
// is done with it. Only CRLF . CRLF ends it (RFC 5321 section 4.1.1.4): a dot behind any other line end is text, which
// whoever reads the text must refuse.

const states = require('haraka-constants').connection.state

const END = Buffer.from('\r\n.\r\n')
const FINAL_DOT = 3 // octets; the CRLF before it belongs to the text
const STUFFED = Buffer.from('\r\n.')

let heldByAll = 0 // octets of all texts that are being read

class DataReader {
    #pieces = []
    #held = 0
    #tail = Buffer.from('\r\n') // of what came before: that of DATA itself, at first
    /** Octets that came, the final dot too. */
    size = 0

    /** Whether there was no room for the text, among the others that are being read. */
    isCrowdedOut = false

    /**
     * @param {number} maxBytes beyond which the text is read to its end and not kept
     * @param {number} [maxHeld] the same for all texts together that are being read
     */
    constructor(maxBytes, maxHeld = Infinity) {
        this.maxBytes = maxBytes
        this.maxHeld = maxHeld
    }

    get isTooBig() {
        return this.size > this.maxBytes
    }

    /** @returns {Buffer | null} what came behind the final dot; null: more is to come */
    feed(data) {
        const end = this.#endIn(data)
        const piece = end === -1 ? data : data.subarray(0, end)
        this.size += piece.length
        this.#keep(piece)
        if (end !== -1) return data.subarray(end)
        this.#tail = lastOf(this.#tail, data)
        return null
    }

    #keep(piece) {
        if (heldByAll + piece.length > this.maxHeld) this.isCrowdedOut = true
        if (this.isTooBig || this.isCrowdedOut) return this.release()
        this.#pieces.push(piece)
        this.#held += piece.length
        heldByAll += piece.length
    }

    /** Keeps nothing any more. To be called where the text is not asked for. */
    release() {
        heldByAll -= this.#held
        this.#held = 0
        this.#pieces = []
    }

    /** @returns {Buffer} the text, its dots as they were before they were stuffed (RFC 5321 section 4.5.2) */
    text() {
        const wire = Buffer.concat(this.#pieces)
        this.release()
        return unstuff(wire.subarray(0, wire.length - FINAL_DOT))
    }

    #endIn(data) {
        const seam = Buffer.concat([this.#tail, data.subarray(0, END.length - 1)])
        const across = seam.indexOf(END)
        if (across !== -1) return across + END.length - this.#tail.length
        const within = data.indexOf(END)
        return within === -1 ? -1 : within + END.length
    }
}

/** The last octets, in which the end may have begun. */
function lastOf(tail, data) {
    const count = END.length - 1
    return data.length >= count ? data.subarray(-count) : Buffer.concat([tail, data]).subarray(-count)
}

function unstuff(wire) {
    const pieces = []
    let from = wire[0] === 0x2e ? 1 : 0
    for (let at; (at = wire.indexOf(STUFFED, from)) !== -1; from = at + STUFFED.length) {
        pieces.push(wire.subarray(from, at + STUFFED.length - 1))
    }
    pieces.push(wire.subarray(from))
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
}

/**
 * Reads the text in place of Haraka, which is about to say 354.
 * @param {object} connection Haraka's
 * @param {DataReader} reader
 * @param {() => void} done called at the final dot; what came behind it is in `connection.current_data`
 */
function readText(connection, reader, done) {
    const giveBack = () => {
        delete connection.process_data
        delete connection._process_data
    }
    connection.process_data = (data) => {
        const { current_data: before } = connection
        connection.current_data = before?.length ? Buffer.concat([before, data]) : data
        connection._process_data()
    }
    connection._process_data = () => {
        const { state, current_data: data } = connection
        if (state === states.CMD) {
            // It was not 354 after all.
            giveBack()
            return connection._process_data()
        }
        if (state !== states.DATA || !data?.length) return
        connection.current_data = null
        const behind = reader.feed(data)
        if (behind === null) return
        giveBack()
        connection.current_data = behind
        done()
    }
}

module.exports = { DataReader, readText }
