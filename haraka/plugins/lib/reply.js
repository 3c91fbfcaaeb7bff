'use strict'

// Replies of SMTP servers, and the steps of a conversation as an event shows them.

const LONGEST_SHOWN = 300
const LINE = /^(\d{3})[ -]?(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/s

/**
 * `550-5.1.1 no such\n550 5.1.1 user` → {code: 550, enhanced: '5.1.1', text: 'no such user'}; null where it is
 * no SMTP reply. The code in front of each line is RFC 5321 section 4.2.1, the enhanced one RFC 2034.
 */
function parseReply(reply) {
    if (!reply.includes('\n')) return parseLine(reply)
    const lines = reply.split('\n').map(parseLine)
    if (lines.includes(null)) return null
    return { ...lines.at(-1), text: lines.map(({ text }) => text).join(' ') }
}

function parseLine(line) {
    const found = LINE.exec(line)
    if (found === null) return null
    const [, code, enhanced = null, text] = found
    return { code: Number(code), enhanced, text: text.trim() }
}

/**
 * @param {string} name connect, helo, starttls, mail, rcpt, data or dot
 * @param {number | null} ms until the reply; null where none came
 * @param {string} reply all its lines; of a long one the beginning is kept
 */
function step(name, ms, reply) {
    return { step: name, ms, reply: reply.length > LONGEST_SHOWN ? reply.slice(0, LONGEST_SHOWN) : reply }
}

module.exports = { parseReply, step }
