'use strict'

// What mails of a batch have in common: chunks, between which each mail puts its own values. That no value can add
// a header field, end the header section or change the author is settled here once, for all mails of a template.

const { parseFrom } = require('@haraka/email-address')

const { authorDomain } = require('./author')

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const NUL = 0x00

// Stands for a value. No chunk holds it.
const VALUE = '\0'
const HEADER_END = '\r\n\r\n'
// RFC 5322 section 2.2: printable characters without the colon. A value comes behind it.
const FIELD = /^([!-9;-~]+):/
const VISIBLE = /[^\0\s]/

class MailTemplate {
    /** Values before this one are in the header section. */
    headerValues = 0

    /**
     * @param {string | null} subject for events, where all mails have the same
     * @param {Buffer[]} chunks one more than a mail has values
     * @param {string | null} domain that the author must be of; null: the edge itself has looked at the mail before
     */
    constructor(subject, chunks, domain) {
        this.subject = subject
        this.chunks = chunks
        this.size = chunks.reduce((total, { length }) => total + length, 0)
        /** Why no mail can be made of it; null for a good one. */
        this.fault = domain === null ? null : this.#judge(domain)
    }

    #judge(domain) {
        if (this.chunks.some((chunk) => !isText(chunk, 0, chunk.length))) {
            return 'A chunk holds NUL, or CR or LF alone'
        }
        if (!endsLine(this.chunks.at(-1))) return 'The last chunk does not end in CRLF'
        const border = this.chunks.findIndex((chunk) => chunk.includes(HEADER_END))
        if (border === -1) return 'No chunk holds the empty line behind the header section'
        this.headerValues = border
        return headerFault(this.#headerSection(border), domain)
    }

    #headerSection(border) {
        const chunks = this.chunks.slice(0, border + 1).map(String)
        const last = chunks[border]
        chunks[border] = last.slice(0, last.indexOf(HEADER_END))
        return chunks.join(VALUE)
    }

    /**
     * Whether the values of a mail, which stand one behind the other, keep to their places.
     * @param {Buffer} document
     * @param {number} start where the first value begins
     * @param {number[]} lengths of the values
     */
    takes(document, start, lengths) {
        if (hasNoLines(document.subarray(start, lengths.reduce(add, start)))) return true
        for (let i = 0; i < lengths.length; i++) {
            const end = start + lengths[i]
            const fits = i < this.headerValues ? isFieldText : isText
            if (!fits(document, start, end)) return false
            start = end
        }
        return true
    }
}

/** @returns {string | null} what is wrong with a header section in which VALUE stands for each value */
function headerFault(section, domain) {
    // A value must not make a line of blanks: some take it for the empty line.
    if (!section.split('\r\n').every((line) => VISIBLE.test(line)))
        return 'A header line is blank but for its value'
    const fields = section.split(/\r\n(?![ \t])/)
    if (!fields.every((field) => FIELD.test(field)))
        return 'A header field does not begin with its name, in a chunk'
    return authorFault(fields, domain)
}

function authorFault(fields, domain) {
    const authors = fields.filter((field) => FIELD.exec(field)[1].toLowerCase() === 'from')
    if (authors.some((field) => field.includes(VALUE))) return 'From holds a value'
    const values = authors.map((field) => field.slice(field.indexOf(':') + 1))
    try {
        const found = authorDomain({ get_all: () => values, get_addresses: () => parseFrom(values[0]) })
        return found === domain ? null : 'The domain in From is not the one that the batch names'
    } catch (err) {
        return err.message
    }
}

/** Most values are so, and the search for these octets is quick. */
const hasNoLines = (bytes) => !bytes.includes(CR) && !bytes.includes(LF) && !bytes.includes(NUL)

const add = (sum, number) => sum + number

/** No NUL, and no CR or LF without the other. */
function isText(bytes, start, end) {
    for (let i = start; i < end; i++) {
        const byte = bytes[i]
        if (byte > CR) continue
        if (byte === NUL || byte === LF) return false
        if (byte === CR && (++i === end || bytes[i] !== LF)) return false
    }
    return true
}

/** Text whose line ends are folds (RFC 5322 section 2.2.3): blanks and something visible come behind them. */
function isFieldText(bytes, start, end) {
    for (let i = start; i < end; i++) {
        const byte = bytes[i]
        if (byte > CR) continue
        if (byte === NUL || byte === LF) return false
        if (byte !== CR) continue
        if (++i === end || bytes[i] !== LF) return false
        const blanks = ++i
        while (i < end && isBlank(bytes[i])) i++
        if (i === blanks || i === end || bytes[i] <= SPACE) return false
    }
    return true
}

const isBlank = (byte) => byte === SPACE || byte === TAB

const endsLine = (chunk) => chunk.at(-2) === CR && chunk.at(-1) === LF

module.exports = { MailTemplate }
