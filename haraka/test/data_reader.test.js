'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { DataReader } = require('../plugins/lib/data_reader')

const LARGE = 1 << 20

/** Feeds `wire` in pieces of these sizes, the rest in one. */
function read(wire, sizes = [], maxBytes = LARGE) {
    const reader = new DataReader(maxBytes)
    let bytes = Buffer.from(wire, 'latin1')
    for (const size of [...sizes, bytes.length]) {
        const behind = reader.feed(bytes.subarray(0, size))
        bytes = bytes.subarray(size)
        if (behind !== null)
            return { reader, behind: behind.toString() + bytes.toString(), text: String(reader.text()) }
    }
    return { reader, behind: null }
}

test('the text ends at its final dot', () => {
    const { text, behind, reader } = read('Hello\r\n.\r\n')
    assert.deepEqual([text, behind, reader.size], ['Hello\r\n', '', 10])
})

test('however the bytes come, the text is the same', () => {
    const wire = '..a\r\n..\r\n...b\r\n\r\n.\r\nQUIT\r\n'
    for (let first = 0; first <= wire.length; first++) {
        for (let second = 0; second <= wire.length - first; second++) {
            const { text, behind } = read(wire, [first, second])
            assert.deepEqual([text, behind], ['.a\r\n.\r\n..b\r\n\r\n', 'QUIT\r\n'], `${first}, ${second}`)
        }
    }
})

test('byte by byte too', () => {
    assert.equal(read('a\r\n..b\r\n.\r\n', Array(9).fill(1)).text, 'a\r\n.b\r\n')
})

test('a text of nothing is a dot alone', () => {
    assert.equal(read('.\r\n').text, '')
    assert.equal(read('.\r\n', [1, 1]).text, '')
    assert.equal(read('\r\n.\r\n').text, '\r\n')
})

test('any first dot of a line is taken away, stuffed or not', () => {
    assert.equal(read('.x\r\n..\r\n.\t\r\n.\r\n').text, 'x\r\n.\r\n\t\r\n')
})

test('no other line end ends it', () => {
    for (const wire of [
        'a\n.\n',
        'a\n.\r\n',
        'a\r\n.\n',
        'a\r.\r',
        'a\r.\r\n',
        'a\r\n.\r',
        'a\r\n. \r\n',
        'a\n\r.\n\r',
    ]) {
        assert.equal(read(wire).behind, null, JSON.stringify(wire))
        assert.equal(read(`${wire}\r\n.\r\n`).behind, '')
    }
})

test('what comes behind the dot is given back, and is no text', () => {
    const { text, behind } = read('a\r\n.\r\nMAIL FROM:<x@evil.example>\r\n.\r\n')
    assert.deepEqual([text, behind], ['a\r\n', 'MAIL FROM:<x@evil.example>\r\n.\r\n'])
})

test('above the limit it is read to its end, and not kept', () => {
    const { reader, behind } = read(`${'x'.repeat(100)}\r\n.\r\nQUIT\r\n`, [40, 40, 40], 50)
    assert.equal(reader.isTooBig, true)
    assert.equal(reader.size, 105)
    assert.equal(behind, 'QUIT\r\n')
    assert.equal(read('x\r\n.\r\n', [], 6).reader.isTooBig, false)
    assert.equal(read('x\r\n.\r\n', [], 5).reader.isTooBig, true)
})
