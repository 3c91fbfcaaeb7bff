'use strict'

// What a submitter says about a mail in header fields of ours (docs/submission.md). They never leave.

const { createHash } = require('node:crypto')

const { Refusal } = require('./hook')
const names = require('./names')

/**
 * @typedef {object} Options of a mail
 * @property {string} [tag] in all its events
 * @property {Record<string, string>} [metadata] the same
 * @property {'broadcast' | 'transactional'} [stream]
 * @property {{opens: boolean, clicks: boolean}} [track] what is followed; not there: as the domain has it
 * @property {string} [idempotencyKey] a digest
 * @property {number} [sendAt] in milliseconds since 1970
 */

const LONGEST_TAG = 100
const LONGEST_METADATA = 2000 // bytes of JSON
const MOST_METADATA = 20
const LONGEST_NAME = 40
const LONGEST_VALUE = 200
const LONGEST_KEY = 255
const DAYS_AHEAD = 7
const DEFAULT_STREAM = 'transactional'
const STREAMS = [DEFAULT_STREAM, 'broadcast']

// name: [how its value is read, what it may be, an example, what it does]
const FIELDS = {
    [names.HEADER_TAG]: [
        ({ decoded }) => ({ tag: tagOf(decoded) }),
        `1 to ${LONGEST_TAG} characters; others than ASCII as RFC 2047 has them`,
        'welcome',
        'stands in all events of the mail, and in its timeline',
    ],
    [names.HEADER_METADATA]: [
        ({ decoded }) => ({ metadata: metadataOf(decoded) }),
        `a JSON object of ${LONGEST_METADATA} bytes and ${MOST_METADATA} names at most; names of ${LONGEST_NAME} letters, ` +
            `digits, dots, dashes, underscores; values are texts of ${LONGEST_VALUE} characters, numbers, true or false`,
        '{"order": 17}',
        'the same; each value becomes a text',
    ],
    [names.HEADER_STREAM]: [
        ({ value }) => ({ stream: streamOf(value.toLowerCase()) }),
        `${STREAMS.join(' or ')}; not there: the former, or the one of the key`,
        'broadcast',
        'which rules hold where it may have been sent already: a mail of the broadcast stream is not sent again',
    ],
    [names.HEADER_TRACK]: [
        ({ value }) => ({ track: trackOf(value.toLowerCase()) }),
        'opens, clicks, both with a comma, or none; not there: as its domain has it',
        'opens, clicks',
        'a pixel, and links that lead over the tracking host, in its HTML parts',
    ],
    [names.HEADER_IDEMPOTENCY_KEY]: [
        ({ value }) => ({ idempotencyKey: idempotencyKeyOf(value) }),
        `1 to ${LONGEST_KEY} visible ASCII characters`,
        'order-17-paid',
        'for 24 hours each recipient gets one mail with this key of the team; who submits again hears the first answer',
    ],
    [names.HEADER_SEND_AT]: [
        ({ value }) => ({ sendAt: sendAtOf(value) }),
        `a moment with its offset (RFC 3339), ${DAYS_AHEAD} days ahead at most; one that is over is now`,
        '2026-12-01T09:00:00+01:00',
        'the mail is kept on disk till then',
    ],
}
const NAMES = Object.keys(FIELDS)
const NAME_OF = new Map(NAMES.map((name) => [name.toLowerCase(), name]))
const OURS = /^x-kibamail-/
// Only we write these; what comes in is removed without a word, as of a mail that is passed on.
const WRITTEN_BY_US = [names.HEADER_MESSAGE_ID, names.HEADER_BROADCAST_ID, names.HEADER_CONTACT_ID].map(
    (name) => name.toLowerCase(),
)

/** @param {string} header section @returns {boolean} whether it may have such fields: most mails have none */
const hasOptions = (header) => /^x-kibamail-/im.test(header)

/**
 * @param {import('haraka-email-message').Header} header
 * @returns {Options}
 * @throws {Refusal} naming the field
 */
function optionsOf(header) {
    const options = {}
    for (const field of Object.keys(header.headers).filter((name) => OURS.test(name))) {
        if (WRITTEN_BY_US.includes(field)) continue
        const name = NAME_OF.get(field)
        if (!name) throw refused(field, `is no field of ours. There are ${NAMES.join(', ')}`)
        const values = header.get_all(field)
        if (values.length > 1) throw refused(name, 'must be there once')
        const value = unfolded(values[0])
        const decoded = unfolded(header.get_decoded(field))
        const [read] = FIELDS[name]
        try {
            Object.assign(options, read({ value, decoded }))
        } catch (err) {
            throw refused(name, err.message)
        }
    }
    return options
}

function tagOf(text) {
    if (text === '' || text.length > LONGEST_TAG || /\p{Cc}/u.test(text)) {
        throw new Error(`must be one line of 1 to ${LONGEST_TAG} characters`)
    }
    return text
}

function metadataOf(text) {
    if (Buffer.byteLength(text) > LONGEST_METADATA)
        throw new Error(`must have ${LONGEST_METADATA} bytes at most`)
    const given = jsonOf(text)
    if (given === null || typeof given !== 'object' || Array.isArray(given))
        throw new Error('must be a JSON object')
    const pairs = Object.entries(given)
    if (pairs.length > MOST_METADATA) throw new Error(`must have ${MOST_METADATA} names at most`)
    return Object.fromEntries(pairs.map(([name, value]) => [nameOf(name), valueOf(name, value)]))
}

function jsonOf(text) {
    try {
        return JSON.parse(text)
    } catch {
        throw new Error('is not JSON')
    }
}

function nameOf(name) {
    if (!new RegExp(`^[\\w.-]{1,${LONGEST_NAME}}$`).test(name)) {
        throw new Error(
            `must have names of 1 to ${LONGEST_NAME} letters, digits, dots, dashes and underscores`,
        )
    }
    return name
}

function valueOf(name, value) {
    if (!['string', 'number', 'boolean'].includes(typeof value) || String(value).length > LONGEST_VALUE) {
        throw new Error(
            `must have a text of ${LONGEST_VALUE} characters at most, a number, true or false in ${name}`,
        )
    }
    return String(value).toWellFormed()
}

function streamOf(text) {
    if (!STREAMS.includes(text)) throw new Error(`must be ${STREAMS.join(' or ')}`)
    return text
}

function trackOf(text) {
    const words = text.split(',').map((word) => word.trim())
    const isNone = words.length === 1 && words[0] === 'none'
    if (!isNone && !words.every((word) => word === 'opens' || word === 'clicks')) {
        throw new Error('must be opens, clicks, both with a comma, or none')
    }
    return { opens: words.includes('opens'), clicks: words.includes('clicks') }
}

function idempotencyKeyOf(text) {
    if (text.length > LONGEST_KEY || !/^[!-~]+$/.test(text)) {
        throw new Error(`must have 1 to ${LONGEST_KEY} visible ASCII characters, and no blank`)
    }
    return createHash('sha256').update(text).digest('base64url')
}

function sendAtOf(text) {
    // RFC 3339; the offset says that the moment is meant and not somebody's clock.
    const isMoment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(text)
    const moment = isMoment ? Date.parse(text.replace(' ', 'T')) : NaN
    if (Number.isNaN(moment))
        throw new Error('must be a moment with its offset, such as 2026-12-01T09:00:00+01:00')
    if (moment > Date.now() + DAYS_AHEAD * 86_400_000) throw new Error(`must be within ${DAYS_AHEAD} days`)
    return moment
}

const unfolded = (text) => text.replace(/\r?\n/g, '').trim()
const refused = (name, what) => new Refusal(550, '5.6.0', `${name} ${what}`)

/** The table of docs/submission.md. */
function asMarkdown() {
    const rows = Object.entries(FIELDS).map(
        ([name, [, limits, example, effect]]) => `| \`${name}\` | ${limits} | \`${example}\` | ${effect} |`,
    )
    return ['| Field | Value | Example | What it does |', '|---|---|---|---|', ...rows].join('\n')
}

module.exports = { hasOptions, optionsOf, DEFAULT_STREAM, OPTION_FIELDS: NAMES, STREAMS }

if (require.main === module) console.log(asMarkdown())
