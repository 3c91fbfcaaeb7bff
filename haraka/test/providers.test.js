'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { providerOf } = require('../plugins/lib/providers')

const PROVIDERS = {
    'aspmx.l.google.com': 'google',
    'alt4.gmail-smtp-in.l.google.com': 'google',
    'acme-example.mail.protection.outlook.com': 'microsoft',
    'acme-example.a-v1.mx.microsoft': 'microsoft',
    'mta5.am0.yahoodns.net': 'yahoo',
    'mx01.mail.icloud.com': 'icloud',
    'inbound-smtp.eu-west-1.amazonaws.com': 'amazon',
    'mx1.acme.co.uk': 'acme.co.uk',
    'mx.acme.example': 'acme.example',
    localhost: 'localhost',
}
for (const [host, provider] of Object.entries(PROVIDERS)) {
    test(`${host} is ${provider}'s`, () => {
        assert.equal(providerOf(host), provider)
    })
}
