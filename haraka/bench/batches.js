'use strict'

// Batches as the workers compose them, for the other files here: mails of 10 KB to 50 domains, 700 octets of each its
// own.

const { batchOf, documentOf, mailOf, onTheWire } = require('../test/support/batch')

const LINE = `${'x'.repeat(74)}=\r\n`
const TEMPLATE = {
    subject: 'Spring',
    chunks: [
        'From: News <hello@news.acme.example>\r\nTo: ',
        '\r\nSubject: Spring\r\nX-Kibamail-Message-ID: ',
        '\r\nList-Unsubscribe: <',
        '>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\nHello ',
        `,\r\n${LINE.repeat(60)}<a href=3D"`,
        `">read</a>\r\n${LINE.repeat(60)}<img src=3D"`,
        '">\r\n',
    ],
}

const address = (name) => `https://t.news.acme.example/${name}/${'a'.repeat(40)}`

function mail(number) {
    const to = `reader${number}@mailbox${number % 50}.example`
    const fields = mailOf({ contactId: number, recipient: to })
    const link = `${address('c')}/1?utm_source=3Dnewsletter&utm_campaign=3Dspring`
    const values = [to, fields.messageId, address('u'), `reader ${number}`, link, address('o')]
    return { ...fields, values: [...values.slice(0, -1), values.at(-1) + 'x'.repeat(220)] }
}

/** @returns {Buffer} what follows DATA for the batch of this number, from 0 */
function wireOf(batch, mails) {
    const all = Array.from({ length: mails }, (_, i) => mail(batch * mails + i + 1))
    return onTheWire(documentOf(batchOf(all, { templates: [TEMPLATE] })))
}

module.exports = { wireOf }
