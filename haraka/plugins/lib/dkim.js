'use strict'

// DKIM signatures (RFC 6376, RFC 8463), relaxed/relaxed. Mails that differ in a few values only share the work:
// what does not depend on the values is done once a template.

const { hash } = require('node:crypto')

const { relaxedBody, relaxedField, relaxedPiece } = require('./relaxed')
const { signRaw } = require('./sign_raw')

// Signed once more than they occur, so that a later one of the name breaks the signature (RFC 6376 section 8.15).
const OVERSIGNED = [
    'From',
    'To',
    'Cc',
    'Subject',
    'Date',
    'Message-ID',
    'Reply-To',
    'MIME-Version',
    'Content-Type',
    'Content-Transfer-Encoding',
]
// Signed where they occur. RFC 8058 section 4 asks for both List-Unsubscribe fields.
const SIGNED = [
    'Sender',
    'In-Reply-To',
    'References',
    'List-Id',
    'List-Unsubscribe',
    'List-Unsubscribe-Post',
    'Feedback-ID',
]

const HEADER_END = '\r\n\r\n'
// Stands for a value in the header section, where each character is a byte.
const SLOT = '\uffff'

const plans = new WeakMap()

/**
 * @typedef {object} Key
 * @property {string} domain
 * @property {string} selector
 * @property {'rsa-sha256' | 'ed25519-sha256'} algorithm
 * @property {import('node:crypto').KeyObject} privateKey
 */

/**
 * @param {{chunks: Buffer[]}} template what its mails share: a mail is chunks[0] values[0] chunks[1] … The header
 *   section ends within a chunk, its fields begin in chunks, and no CR is parted from its LF. The work done for
 *   it is kept for as long as the object lives
 * @param {Buffer[]} values of one mail, with CRLF line ends and not dot-stuffed, as the chunks
 * @param {Key[]} keys one signature each
 * @param {number} [now] in seconds since 1970
 * @returns {Promise<Buffer>} the DKIM-Signature fields, each with its line end, to go before the mail
 */
async function signParts(template, values, keys, now) {
    if (!plans.has(template)) plans.set(template, planOf(template.chunks))
    const signatures = await sign(plans.get(template), values, keys, now)
    return Buffer.from(signatures.map((value) => `DKIM-Signature: ${value}\r\n`).join(''), 'latin1')
}

/**
 * @param {Buffer} mail a whole one, with CRLF line ends and not dot-stuffed
 * @param {Key[]} keys one signature each
 * @param {number} [now] in seconds since 1970
 * @returns {Promise<string[]>} the values of the DKIM-Signature fields, folded with CRLF
 */
function signatures(mail, keys, now) {
    return sign(planOf([mail]), [], keys, now)
}

/** What of a mail does not depend on its values. */
function planOf(chunks) {
    const last = chunks.findIndex((chunk) => chunk.includes(HEADER_END))
    if (last < 0) throw new Error('A mail has an empty line between its header and its body; this has none')
    const end = chunks[last].indexOf(HEADER_END)
    const header = [...chunks.slice(0, last), chunks[last].subarray(0, end)]
        .map((chunk) => chunk.latin1Slice())
        .join(SLOT)
    const body = [chunks[last].subarray(end + HEADER_END.length), ...chunks.slice(last + 1)]
    return {
        ...planOfFields(header.split(/\r\n(?![ \t])/)),
        body: body.map(relaxedPiece),
        firstOfBody: last,
    }
}

/** @returns {{names: string, fields: ((values: Buffer[]) => string)[]}} h=, folded; the signed header fields */
function planOfFields(lines) {
    const fields = new Map()
    let slots = 0
    for (const line of lines) {
        const parts = line.split(SLOT)
        const name = line.split(':', 1)[0].trimEnd().toLowerCase()
        if (name.includes(SLOT)) throw new Error(`A value stands in the name of a header field: ${parts[0]}`)
        if (!fields.has(name)) fields.set(name, [])
        fields.get(name).push(fieldWith(parts, slots))
        slots += parts.length - 1
    }
    const names = signedNames(fields)
    return { names: fold(names.join(':'), /[^:]+:?/g), fields: pick(fields, names) }
}

/** The canonical field, as a function of the mail's values; `first` is the number of the first one in it. */
function fieldWith(parts, first) {
    if (parts.length === 1) {
        const field = relaxedField(parts[0])
        return () => field
    }
    return (values) => {
        let field = parts[0]
        for (let i = 1; i < parts.length; i++) field += values[first + i - 1].latin1Slice() + parts[i]
        return relaxedField(field)
    }
}

async function sign({ names, fields, body, firstOfBody }, values, keys, now = Math.floor(Date.now() / 1000)) {
    const pieces = [body[0]]
    for (let i = 1; i < body.length; i++) pieces.push(relaxedPiece(values[firstOfBody + i - 1]), body[i])
    const bodyHash = hash('sha256', relaxedBody(pieces), 'base64')
    const header = fields.map((field) => `${field(values)}\r\n`).join('')

    return Promise.all(
        keys.map(async ({ domain, selector, algorithm, privateKey }) => {
            const unsigned = [
                `v=1; a=${algorithm}; c=relaxed/relaxed;`,
                `d=${domain}; s=${selector}; t=${now};`,
                `h=${names};`,
                `bh=${bodyHash};`,
                'b=',
            ].join('\r\n\t')
            const own = `dkim-signature:${unsigned.replaceAll('\r\n\t', ' ')}`
            const raw = await signRaw(algorithm, Buffer.from(header + own, 'latin1'), privateKey)
            return unsigned + fold(raw.toString('base64'), /.{1,64}/g)
        }),
    )
}

function signedNames(fields) {
    const occurrences = (name) => fields.get(name.toLowerCase())?.length ?? 0
    return [
        ...OVERSIGNED.flatMap((name) => Array(occurrences(name) + 1).fill(name)),
        ...SIGNED.flatMap((name) => Array(occurrences(name)).fill(name)),
    ]
}

/** The fields of `names`, those of one name from the last upwards (RFC 6376 section 5.4.2). */
function pick(fields, names) {
    const taken = new Map()
    return names.flatMap((name) => {
        const all = fields.get(name.toLowerCase()) ?? []
        const count = (taken.get(name) ?? 0) + 1
        taken.set(name, count)
        return count > all.length ? [] : [all[all.length - count]]
    })
}

function fold(value, piece) {
    const lines = ['']
    for (const [part] of value.matchAll(piece)) {
        if (lines.at(-1).length + part.length > 72) lines.push('')
        lines[lines.length - 1] += part
    }
    return lines.join('\r\n\t')
}

module.exports = { signParts, signatures }
