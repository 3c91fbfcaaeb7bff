'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const test = require('node:test')

const { open } = require('../plugins/lib/seal')
const { seal } = require('./support/edge')

const key = randomBytes(32)

test('what was sealed is opened with the same key', () => {
    assert.equal(open(seal('a private key', key.toString('hex')), key).toString(), 'a private key')
})

// Made by Python's cryptography: AESGCM(bytes(range(32))).encrypt(bytes(12), b"sealed by Python", None)
test('what Python sealed is opened', () => {
    const sealed = 'AAAAAAAAAAAAAAAAfdnUstBIo99xiPlMbET+98t+ekZvu0XOkYvdeXI6EOE='
    assert.equal(open(sealed, Buffer.from([...Array(32).keys()])).toString(), 'sealed by Python')
})

test('another key does not open it', () => {
    const sealed = seal('a private key', key.toString('hex'))
    assert.throws(() => open(sealed, randomBytes(32)))
})

test('a changed byte is noticed', () => {
    const sealed = Buffer.from(seal('a private key', key.toString('hex')), 'base64')
    sealed[20] ^= 1
    assert.throws(() => open(sealed.toString('base64'), key))
})
