'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')

const { makeToken, openToken, sealLink } = require('../plugins/lib/tokens')
const VECTORS = path.join(__dirname, '..', '..', 'tests', 'vectors')
const vectors = require(path.join(VECTORS, 'tokens.json'))
const links = require(path.join(VECTORS, 'links.json'))

for (const { message_id: messageId, secret, token } of vectors.made) {
    test(`${messageId} makes the token that Python makes, and is opened from it in either case`, () => {
        assert.equal(makeToken(messageId, secret), token)
        assert.equal(openToken(token, secret), messageId)
        assert.equal(openToken(token.toUpperCase(), secret), messageId)
    })
}

for (const { why, secret, token } of vectors.refused) {
    test(`a token is refused that is ${why}`, () => {
        assert.equal(openToken(token, secret), null)
    })
}

for (const { message_id: messageId, index, url, secret, sealed } of links.made) {
    test(`the link to ${url} is sealed as Python seals it`, () => {
        assert.equal(sealLink(messageId, index, url, secret), sealed)
    })
}
