'use strict'

const LONGEST_LINE = 998 // RFC 5322 section 2.1.1, without its end
const [NUL, LF, CR] = [0x00, 0x0a, 0x0d]
// RFC 5322 sections 2.2 and 4.5
const FIELD_OR_FOLD = /^(?:[!-9;-~]+[ \t]*:|[ \t])/

const LINE_ENDS = 'Lines end in CRLF, and neither CR nor LF stands alone (RFC 5321, 2.3.8)'
const TOO_LONG = `A line is longer than ${LONGEST_LINE} characters; encode as quoted-printable or base64`

/**
 * @param {Buffer} text
 * @returns {string | null} which rule it breaks, and what to do; null where it keeps them
 */
function faultOf(text) {
    if (text.includes(NUL)) return 'A mail must not hold NUL; encode it as base64'
    let begin = 0
    for (let cr; (cr = text.indexOf(CR, begin)) !== -1; begin = cr + 2) {
        if (text[cr + 1] !== LF) return LINE_ENDS
        if (cr - begin > LONGEST_LINE) return TOO_LONG
    }
    if (text.length - begin > LONGEST_LINE) return TOO_LONG
    return hasLfAlone(text) ? LINE_ENDS : null
}

function hasLfAlone(text) {
    for (let lf = -1; (lf = text.indexOf(LF, lf + 1)) !== -1;) if (text[lf - 1] !== CR) return true
    return false
}

/** @param {string} header lines that end in CRLF @returns {string | null} the same of a header section */
function headerFaultOf(header) {
    const line = header.split('\r\n').find((each) => each !== '' && !FIELD_OR_FOLD.test(each))
    return line === undefined
        ? null
        : `A header line begins with a name and a colon, and not: ${printable(line.slice(0, 40))}`
}

const printable = (text) => text.replace(/[^ -~]/g, '?')

module.exports = { faultOf, headerFaultOf }
