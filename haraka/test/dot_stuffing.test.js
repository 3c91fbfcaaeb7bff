'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { asData, keepData, stuff, unstuff } = require('../plugins/lib/dot_stuffing')

const TEXTS = {
    'no dot': ['a\r\nb.c\r\n', 'a\r\nb.c\r\n'],
    'a dot at the beginning': ['.a\r\nb\r\n', '..a\r\nb\r\n'],
    'a line that is a dot': ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n'],
    'several lines with dots': ['a\r\n.b\r\n..c\r\n', 'a\r\n..b\r\n...c\r\n'],
    'bytes that are no UTF-8': ['\xff\r\n.\xfe\r\n', '\xff\r\n..\xfe\r\n'],
    nothing: ['', ''],
}

for (const [what, [plain, stuffed]] of Object.entries(TEXTS)) {
    test(`${what} is stuffed and comes back`, () => {
        const bytes = Buffer.from(plain, 'latin1')
        assert.equal(stuff(bytes).toString('latin1'), stuffed)
        assert.deepEqual(unstuff(stuff(bytes)), bytes)
    })
}

const MAILS = {
    'a mail': [['a\r\n'], 'a\r\n.\r\n'],
    'a mail without any byte': [[], '.\r\n'],
    'a last line without its end': [['a\r\n.b'], 'a\r\n..b\r\n.\r\n'],
    'a last line that is a dot': [['a\r\n.\r\n'], 'a\r\n..\r\n.\r\n'],
    'a line that goes across parts': [['a\r', '\n', '.b\r\n'], 'a\r\n..b\r\n.\r\n'],
    'a part that begins with a dot within a line': [['a', '.b\r\n'], 'a.b\r\n.\r\n'],
}

for (const [what, [parts, data]] of Object.entries(MAILS)) {
    test(`${what} ends with a dot of its own`, () => {
        assert.equal(asData(parts.map((part) => Buffer.from(part))).toString(), data)
    })
}

test('what is kept is not written over by the next mail', () => {
    const first = asData([Buffer.from('first\r\n')])
    keepData()
    asData([Buffer.from('second\r\n')])
    assert.equal(first.toString(), 'first\r\n.\r\n')
})

test('a mail that is larger than most is as it is', () => {
    const large = Buffer.from('.dot\r\n'.repeat(50_000))
    assert.equal(asData([large]).toString(), `${'..dot\r\n'.repeat(50_000)}.\r\n`)
})
