'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { parseReply, step } = require('../plugins/lib/reply')

const REPLIES = {
    '250 ok': { code: 250, enhanced: null, text: 'ok' },
    250: { code: 250, enhanced: null, text: '' },
    '250 2.0.0': { code: 250, enhanced: '2.0.0', text: '' },
    '550-5.1.1 No such\n550 5.1.1 user': { code: 550, enhanced: '5.1.1', text: 'No such user' },
    '550 5.7.509 refused': { code: 550, enhanced: '5.7.509', text: 'refused' },
    '550 3 strikes': { code: 550, enhanced: null, text: '3 strikes' },
    '550 a\u2028b': { code: 550, enhanced: null, text: 'a\u2028b' },
    nonsense: null,
    '250-ok\nnonsense': null,
}
for (const [reply, expected] of Object.entries(REPLIES)) {
    test(`the reply ${JSON.stringify(reply)} is told apart`, () => {
        assert.deepEqual(parseReply(reply), expected)
    })
}

test('a step shows the beginning of a long reply', () => {
    const { reply } = step('dot', 7, `554 ${'x'.repeat(900)}`)
    assert.equal(reply.length, 300)
})
