'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { createTransaction } = require('Haraka/transaction')

const { TextStream } = require('../plugins/lib/text_stream')

const HEADERS = ['From: ann@news.acme.example\n', 'Subject: folded\n\tover two lines\n']
const HEADER = 'From: ann@news.acme.example\r\nSubject: folded\r\n\tover two lines\r\n\r\n'
const BODY = 'Hello\r\n.dot\r\n\r\nlast, without its end'

function streamOf(headers = HEADERS, body = BODY) {
    const stream = new TextStream(createTransaction('id').message_stream, headers, {})
    stream.body = Buffer.from(body)
    return stream
}

const dataOf = (stream, options) =>
    new Promise((resolve) => stream.get_data(options, (data) => resolve(String(data))))

test('the whole mail is its header fields as they are now, an empty line and the text', () => {
    const headers = [...HEADERS]
    const stream = streamOf(headers)
    assert.equal(stream.whole().toString(), HEADER + BODY)
    headers.unshift('X-New: yes\r\n')
    assert.equal(stream.whole().toString(), `X-New: yes\r\n${HEADER}${BODY}`)
})

test("who reads it as Haraka's stream gets the same", async () => {
    assert.equal(await dataOf(streamOf(), {}), HEADER + BODY)
    assert.equal(await dataOf(streamOf(), { skip_headers: true }), BODY)
    const wire = await dataOf(streamOf(), { ending_dot: true, dot_stuffed: false })
    assert.ok(wire.includes('\r\n..dot\r\n') && wire.endsWith('.\r\n'))
})

test('it may be read more than once', async () => {
    const stream = streamOf()
    assert.equal(await dataOf(stream, {}), await dataOf(stream, {}))
})
