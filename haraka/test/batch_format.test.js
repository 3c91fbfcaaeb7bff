'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { parseBatch, BatchError } = require('../plugins/lib/batch_format')
const { batchOf, documentOf, mailOf } = require('./support/batch')
const { FOLDER, answerTo } = require('./support/batch_vectors')
const { fuzz } = require('./fuzz')
const { counts } = require('./fuzz/batch_format')

const { vectors } = JSON.parse(fs.readFileSync(path.join(FOLDER, 'index.json')))
const read = (file) => fs.readFileSync(path.join(FOLDER, file))

for (const { file, about, ...answer } of vectors) {
    test(`the vector "${about}" is answered as agreed`, () => {
        assert.deepEqual(answerTo(read(file)), answer)
    })
}

test('each document of the vectors is in their index', () => {
    const files = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.batch'))
    assert.deepEqual(files.sort(), vectors.map(({ file }) => file).sort())
})

test('each refusal says why, in one line of ASCII that fits a reply', () => {
    for (const { file, no_batch: isNoBatch } of vectors) {
        for (const text of isNoBatch
            ? [whyNot(read(file))]
            : parseBatch(read(file)).refused.map((each) => each.text)) {
            assert.match(text, /^[\x20-\x7e]{10,400}$/)
        }
    }
})

function whyNot(document) {
    try {
        parseBatch(document)
    } catch (err) {
        return err.message
    }
}

test('a mail is slices of its document, not copies', () => {
    const document = documentOf(batchOf([mailOf()]))
    const [mail] = parseBatch(document).mails
    for (const part of mail.parts()) assert.equal(part.buffer, document.buffer)
    assert.equal(mail.size, Buffer.concat(mail.parts()).length)
})

test('mails know what their batch says, when it was taken, and their key in the journal', () => {
    const batch = parseBatch(documentOf(batchOf([mailOf(), mailOf({ subject: 'Own' })])), 1234)
    const { id, teamId, broadcastId, stream, domain, signed } = batch
    const [first, second] = batch.mails
    for (const mail of batch.mails) {
        const { teamId: t, broadcastId: b, stream: s, domain: d, signed: g, queuedAt } = mail
        assert.deepEqual([t, b, s, d, g, queuedAt], [teamId, broadcastId, stream, domain, signed, 1234])
    }
    assert.deepEqual([first.key, second.key], [`${id}/0`, `${id}/1`])
    assert.deepEqual([first.subject, second.subject], ['Spring', 'Own'])
})

test('5,000 mails are a batch, one more are none', () => {
    const many = Array.from({ length: 5000 }, () => mailOf())
    assert.equal(parseBatch(documentOf(batchOf(many))).mails.length, 5000)
    assert.throws(() => parseBatch(documentOf(batchOf([...many, mailOf()]))), BatchError)
})

test('whatever is done to a batch, no mail of it gets out of its place', async () => {
    const { executions } = await fuzz('batches', { seed: 1, executions: 4000 })
    // That each branch was gone through, and often.
    const { documents, mails, refused, noBatch } = counts
    assert.deepEqual([executions, documents], [4000, 4000])
    for (const count of [mails, refused, noBatch]) assert.ok(count > 400, `${mails} ${refused} ${noBatch}`)
})
