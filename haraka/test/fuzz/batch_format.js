'use strict'

// Batches made by chance and damaged by chance, given to the parser. A document must be read or refused, never anything
// else; and of each mail that is read, a plain reader of mails must find the header fields that its template has and no
// other, the author it has, and one mail behind DATA. This reader shares nothing with the parser.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')

const { parseBatch, BatchError } = require('../../plugins/lib/batch_format')
const { batchOf, documentOf, mailOf } = require('../support/batch')
const { FOLDER } = require('../support/batch_vectors')

// Of what breaks mails apart, and of harmless text.
const HOSTILE = [
    '\r\n', '\r', '\n', '\0', '\r\n.\r\n', '\n.\n', '.\r\n', '\r\n\r\n', '\r\n ', '\r\n\t', '\r\n \r\n', '\n\n', ' ',
    '\t', ':', 'From: ', '\r\nFrom: x@evil.example', '\r\nBcc: x@evil.example', 'm: x', 'DATA\r\n',
    '\r\nMAIL FROM:<x@evil.example>\r\n', '<>', '>', '"', ',', '\u2028', '\u0085', '\v', '\f', '☃', '\xff', '--x',
    '\x1b', '\x7f', '', '', 'x', 'hello', 'a@mailbox.example',
] // prettier-ignore
const ADDRESSES = [
    'a@mailbox.example',
    '',
    '<a@b.example>',
    'a@b',
    'a b@c.example',
    'a@b.example\r\nDATA',
    '☃@b.example',
]
const NUMBERS = [0, 1, -1, 2, 5, 1e9, 2 ** 53, 1.5, NaN, '1', null]
const FIELDS = [
    ' <n@news.acme.example>',
    'To: ',
    'X: y',
    'From: n@evil.example',
    'From: ',
    'Fro',
    'm: ',
    'Date',
    ' ',
    ' z',
    ': ',
    '',
]

const vectors = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.batch'))
const seeds = vectors.map((name) => fs.readFileSync(path.join(FOLDER, name)))

/** What was read of all documents so far. */
const counts = { documents: 0, mails: 0, refused: 0, noBatch: 0 }

async function execute(dice) {
    const document = dice.one([composed, composed, damaged])(dice)
    counts.documents += 1
    const { mails, refused, noBatch } = counts
    look(document, counts)
    return `${counts.mails - mails} ${counts.refused - refused} ${counts.noBatch - noBatch}`
}

function look(document, seen) {
    let batch
    try {
        batch = parseBatch(document)
    } catch (err) {
        if (!(err instanceof BatchError)) throw err
        seen.noBatch += 1
        return
    }
    seen.mails += batch.mails.length
    seen.refused += batch.refused.length
    for (const mail of batch.mails) judge(mail)
}

/** A document that keeps the format, whose texts do as they like. */
function composed(dice) {
    const text = (most) => dice.some(HOSTILE, most).join('')
    const chunk = () => (dice.roll(4) ? `x${text(2)}` : text(3))
    const chunks = () => {
        if (dice.roll(3)) return [`From: n@news.acme.example\r\nTo: `, `\r\n\r\nHello `, `${chunk()}\r\n`]
        const fields = dice
            .some(FIELDS, 3)
            .map((field) => `${dice.one(['\r\n', '\r\n', ''])}${field}${text(1)}`)
        const author = dice.one(['From: n@news.acme.example\r\nTo: ', 'From: Ann'])
        return [author, ...fields, `\r\n\r\n${chunk()}`, `${chunk()}\r\n`]
    }
    const templates = Array.from({ length: 1 + dice.roll(2) }, () => ({ subject: null, chunks: chunks() }))
    const mails = Array.from({ length: 1 + dice.roll(3) }, () => {
        const template = dice.roll(templates.length)
        const mail = mailOf({ template, values: templates[template].chunks.slice(1).map(() => text(3)) })
        if (dice.roll(8) === 0) mail.recipient = dice.one(ADDRESSES)
        if (dice.roll(8) === 0) mail.sender = dice.one(ADDRESSES)
        if (dice.roll(12) === 0) mail.lengths = dice.some(NUMBERS, 4)
        if (dice.roll(12) === 0) mail.template = dice.one(NUMBERS)
        return mail
    })
    return documentOf(batchOf(mails, { templates }))
}

/** A vector, some octets of which were changed, put in, left out or moved. */
function damaged(dice) {
    let document = dice.one(seeds)
    for (let times = 1 + dice.roll(3); times > 0; times--) {
        const at = dice.roll(document.length + 1)
        const to = at + dice.roll(dice.one([1, 2, 8, 64]))
        const put = dice.one([
            Buffer.from(dice.one(HOSTILE)),
            Buffer.from([dice.roll(256)]),
            document.subarray(at, to),
        ])
        document = Buffer.concat([document.subarray(0, at), put, document.subarray(to)])
    }
    return document
}

function judge(mail) {
    const text = Buffer.concat(mail.parts()).toString('latin1')
    assert.ok(text.endsWith('\r\n'), 'its last line has an end')
    assert.doesNotMatch(text, /\0|\r(?!\n)|(?<!\r)\n/, 'no NUL, no CR or LF alone')
    const names = fieldNames(text)
    const template = mail.template.chunks.map((chunk) => chunk.latin1Slice()).join('v')
    assert.deepEqual(names, fieldNames(template), 'the fields are those of the template')
    assert.equal(names.filter((name) => name === 'from').length, 1)
    assert.equal(authorOf(text), authorOf(template), 'the author is that of the template')
    assert.deepEqual(takenBehindData(text), [text], 'it is one mail')
    for (const address of [mail.sender, mail.recipient]) assert.doesNotMatch(address, /[\s<>\0]/)
}

const authorOf = (text) => /^From:.*(\r\n[ \t].*)*/im.exec(text)[0]

/** As a plain reader of mails finds them: the header ends at a line without anything visible. */
function fieldNames(text) {
    const lines = text.split(/\r\n|\r|\n/)
    const end = lines.findIndex((line) => line.trim() === '')
    const fields = lines.slice(0, end).filter((line) => !/^[ \t]/.test(line))
    return fields.map((line) => line.split(':', 1)[0].trim().toLowerCase())
}

/** What a server takes of a mail whose dots were stuffed, line by line: the mail, and what it holds for commands. */
function takenBehindData(text) {
    const wire = `${text.replace(/^\./gm, '..')}.\r\n`
    const lines = wire.split('\r\n')
    const dot = lines.indexOf('.')
    const mail = lines.slice(0, dot).map((line) => `${line.startsWith('.') ? line.slice(1) : line}\r\n`)
    const commands = lines.slice(dot + 1).filter((line) => line !== '')
    return [mail.join(''), ...commands]
}

module.exports = { start: async () => ({ execute, stop: async () => {} }), counts }
