'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const { relaxedBody, relaxedField, relaxedPiece } = require('../plugins/lib/relaxed')

const body = (...pieces) => relaxedBody(pieces.map((piece) => relaxedPiece(Buffer.from(piece)))).toString()

// RFC 6376 section 3.4.5
test('the example of the RFC is canonicalised as it says', () => {
    assert.equal(relaxedField('A: X'), 'a:X')
    assert.equal(relaxedField('B : Y\t\r\n\tZ  '), 'b:Y Z')
    assert.equal(body(' C \r\nD \t E\r\n\r\n\r\n'), ' C\r\nD E\r\n')
})

test('the last byte of an à in UTF-8 is no white space at the end of a field', () => {
    assert.equal(relaxedField('Subject: voil\xc3\xa0 '), 'subject:voil\xc3\xa0')
})

const AT_BORDERS = {
    'white space on both sides is one blank': ['a \t', '\t b', 'a b\r\n'],
    'white space before a line end is gone': ['a ', '\r\nb', 'a\r\nb\r\n'],
    'white space behind a line end stays': ['a\r\n', ' b', 'a\r\n b\r\n'],
    'line ends on both sides stay': ['a\r\n', '\r\nb', 'a\r\n\r\nb\r\n'],
    'a line of white space alone is empty': ['a\r\n ', '\t\r\nb', 'a\r\n\r\nb\r\n'],
    'empty lines at the end are gone': ['a\r\n', ' \r\n\r\n', 'a\r\n'],
    'a missing line end is added': ['a', 'b', 'ab\r\n'],
    'nothing but white space and line ends is no body': [' \r\n', '\r\n\t', ''],
    'a CR without LF is text': ['a \r', ' b', 'a \r b\r\n'],
}
for (const [what, [left, right, expected]] of Object.entries(AT_BORDERS)) {
    test(`where two pieces meet, ${what}`, () => {
        assert.equal(body(left, right), expected)
        assert.equal(body(left + right), expected)
        assert.equal(body(left, '', right), expected)
    })
}
