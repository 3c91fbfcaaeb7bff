'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { faultOf, headerFaultOf } = require('../plugins/lib/text_faults')

const LONG = 'x'.repeat(998)

const SOUND = {
    'an empty text': '',
    'lines that end in CRLF': 'a\r\nb\r\n',
    'a last line without its end': 'a\r\nb',
    'the longest line there may be': `${LONG}\r\n${LONG}`,
    'octets outside ASCII': 'Gr\xfc\xdfe\r\n',
}
for (const [what, text] of Object.entries(SOUND)) {
    test(`${what} is no fault`, () => assert.equal(faultOf(Buffer.from(text, 'latin1')), null))
}

const FAULTY = {
    'LF alone': ['a\nb\r\n', /CRLF/],
    'LF alone at the beginning': ['\na\r\n', /CRLF/],
    'CR alone': ['a\rb\r\n', /CRLF/],
    'CR alone at the end': ['a\r\nb\r', /CRLF/],
    'two CR before LF': ['a\r\r\n', /CRLF/],
    NUL: ['a\0b\r\n', /NUL/],
    'a line that is too long': [`a\r\n${LONG}x\r\n`, /998/],
    'a last line that is too long': [`a\r\n${LONG}x`, /998/],
}
for (const [what, [text, reason]] of Object.entries(FAULTY)) {
    test(`${what} is a fault`, () => assert.match(faultOf(Buffer.from(text)), reason))
}

test('a header section is made of fields, folded or not', () => {
    assert.equal(headerFaultOf('From: ann@news.acme.example\r\nSubject : a\r\n\tb\r\n'), null)
    assert.match(headerFaultOf('From: ann@news.acme.example\r\nHello, Bob\r\n'), /not: Hello, Bob$/)
    assert.match(headerFaultOf('Gr\u00fc\u00dfe: x\r\n'), /name and a colon/)
})
