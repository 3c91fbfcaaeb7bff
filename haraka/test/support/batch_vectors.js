'use strict'

// Writes tests/vectors/batch/, which the parser here and the composer in Python are held to:
//   node test/support/batch_vectors.js

const fs = require('node:fs')
const path = require('node:path')

const { parseBatch, BatchError } = require('../../plugins/lib/batch_format')
const { CHUNKS, TEMPLATE, batchOf, documentOf, mailOf } = require('./batch')

const FOLDER = path.join(__dirname, '..', '..', '..', 'tests', 'vectors', 'batch')

const uuidOf = (n) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`
const batch = (mails, fields) => batchOf(mails, { id: uuidOf(0), ...fields })
const ann = (fields) =>
    mailOf({ messageId: uuidOf(1), contactId: 1, recipient: 'ann@mailbox.example', ...fields })
const ben = (fields) =>
    mailOf({ messageId: uuidOf(2), contactId: 2, recipient: 'ben@mailbox.example', ...fields })
const withTo = (to) => ann({ values: [to, uuidOf(1), 'Ann'] })
const withName = (name) => ann({ values: ['ann@mailbox.example', uuidOf(1), name] })
/** A mail with the values x, y, z in these chunks; and a good one of another template behind it. */
const withChunks = (...chunks) =>
    batch([ann({ values: ['x', 'y', 'z'].slice(0, chunks.length - 1) }), ben({ template: 1 })], {
        templates: [{ subject: null, chunks }, TEMPLATE],
    })
const transactional = { broadcast_id: 0, stream: 'transactional' }

/** Mails go out, or are refused one by one. */
const TAKEN = {
    'one mail': batch([ann()]),
    'two mails of two templates, one with a subject of its own': batch(
        [ann({ subject: 'For Ann' }), ben({ template: 1, values: [] })],
        {
            templates: [
                TEMPLATE,
                { subject: 'Whole', chunks: ['From: n@news.acme.example\r\nSubject: Whole\r\n\r\nAll.\r\n'] },
            ],
        },
    ),
    'a mail of no broadcast': batch([ann({ contactId: 0 })], transactional),
    'a mail of no broadcast in the broadcast stream, of which something was said': batch(
        [ann({ contactId: 0, said: { tag: 'welcome', metadata: { order: '17' } } })],
        { broadcast_id: 0 },
    ),
    'a mail that is signed already': batch([ann({ contactId: 0 })], { ...transactional, signed: true }),
    'values of no length': batch([ann({ values: ['', '', ''] })]),
    'a folded value in a header field': batch([withTo('=?utf-8?b?w4Q=?=\r\n <ann@mailbox.example>')]),
    'lines, dots and what looks like the end of a mail in the body': batch([
        withName('\r\n.\r\nMAIL FROM:<x@y.example>\r\n..\r\n\r\n'),
    ]),
    'UTF-8 in subject, addresses and body': batch([
        ann({
            recipient: 'änn@mailbox.example',
            smtputf8: 1,
            subject: 'Frühling ☀',
            values: ['änn@mailbox.example', uuidOf(1), '☀'],
        }),
    ]),
    'a quoted local part': batch([ann({ recipient: '"ann..x"@mailbox.example' })]),

    'a value that ends a header field': batch([withTo('a@b.example\r\nBcc: c@d.example'), ben()]),
    'a value that ends the header section': batch([withTo('a@b.example\r\n\r\nHello'), ben()]),
    'a value that folds onto a line of blanks': batch([withTo('a@b.example\r\n \r\n'), ben()]),
    'a value that ends in a fold': batch([withTo('a@b.example\r\n '), ben()]),
    'a header value with LF alone': batch([withTo('a@b.example\nBcc: c@d.example'), ben()]),
    'a header value with CR alone': batch([withTo('a@b.example\rBcc: c@d.example'), ben()]),
    'a header value with NUL': batch([withTo('a\0b'), ben()]),
    'a body value with LF alone': batch([withName('x\n.\nMAIL FROM:<>'), ben()]),
    'a body value with CR alone': batch([withName('x\r.\r'), ben()]),
    'a body value with NUL': batch([withName('x\0'), ben()]),
    'CR and LF in two values that meet': batch([ann({ values: ['x\r', '\ny', 'z'] }), ben({ template: 1 })], {
        templates: [{ subject: null, chunks: [CHUNKS[0], '', CHUNKS[2], CHUNKS[3]] }, TEMPLATE],
    }),
    'a message id that is none': batch([ann({ messageId: 'x'.repeat(36) }), ben()]),
    'a message id in upper case': batch([
        ann({ messageId: '0190000A-0000-7000-8000-000000000001', claimKey: 'BROADCAST:5:1' }),
        ben(),
    ]),
    'a claim key of another contact': batch([ann({ claimKey: 'BROADCAST:5:99' }), ben()]),
    "a broadcast's claim key in a batch of none": batch(
        [ann({ claimKey: 'BROADCAST:5:1' }), ben()],
        transactional,
    ),
    'the same claim key twice': batch([ann(), ann({ messageId: uuidOf(3) }), ben()]),
    'a negative contact id': batch([ann({ contactId: -1 }), ben()]),
    'a template that is not there': batch([ann({ template: 1 }), ben()]),
    'a template named __proto__': batch([ann({ template: '__proto__' }), ben()]),
    'too few values': batch([ann({ values: ['a', 'b'] }), ben()]),
    'too many values': batch([ann({ values: ['a', 'b', 'c', 'd'] }), ben()]),
    'a recipient with a command in it': batch([
        ann({ recipient: 'a@b.example>\r\nRCPT TO:<c@d.example' }),
        ben(),
    ]),
    'two recipients in one': batch([ann({ recipient: 'a@b.example,c@d.example' }), ben()]),
    'a recipient with a blank': batch([ann({ recipient: 'a b@c.example' }), ben()]),
    'a recipient with a line separator': batch([
        ann({ recipient: 'a\u2028b@c.example', smtputf8: 1 }),
        ben(),
    ]),
    'a recipient with half a character': batch([
        ann({ recipient: 'a\ud83db@c.example', smtputf8: 1 }),
        ben(),
    ]),
    'a recipient without a domain': batch([ann({ recipient: 'ann' }), ben()]),
    'a recipient at an address literal': batch([ann({ recipient: 'ann@[127.0.0.1]' }), ben()]),
    'a recipient that is too long': batch([ann({ recipient: `a@${'b'.repeat(250)}.example` }), ben()]),
    'no envelope sender': batch([ann({ sender: '' }), ben()]),
    'an envelope sender with a parameter': batch([ann({ sender: 'a@b.example> SIZE=1' }), ben()]),
    'an address outside ASCII without smtputf8': batch([ann({ recipient: 'änn@mailbox.example' }), ben()]),
    'a smtputf8 that is neither 0 nor 1': batch([ann({ smtputf8: true }), ben()]),
    'a subject that is a number': batch([ann({ subject: 1 }), ben()]),

    'a value in From': withChunks(
        'From: ',
        ' <a@news.acme.example>\r\nTo: ',
        '\r\nSubject: ',
        '\r\n\r\nHello\r\n',
    ),
    'a From of another domain': withChunks('From: a@other.example\r\n\r\nHello\r\n'),
    'no From': withChunks('To: a@news.acme.example\r\n\r\nHello\r\n'),
    'two From fields': withChunks('From: a@news.acme.example\r\nFrom: b@other.example\r\n\r\nHello\r\n'),
    'two authors': withChunks('From: a@news.acme.example, b@news.acme.example\r\n\r\nHello\r\n'),
    'a value that may finish the name of a field': withChunks(
        'From: a@news.acme.example\r\nX-',
        ': ',
        '\r\n\r\nHello\r\n',
    ),
    'a value at the beginning of a header line': withChunks(
        'From: a@news.acme.example\r\n',
        'Subject: x\r\n\r\nHello\r\n',
    ),
    'a value alone in a folded line': withChunks(
        'From: a@news.acme.example\r\nX: y\r\n ',
        '\r\n\r\nHello\r\n',
    ),
    'a value that is the whole border of header and body': withChunks(
        'From: a@news.acme.example\r\nX: y',
        'Hello\r\n',
    ),
    'a value between the line ends of the border': withChunks(
        'From: a@news.acme.example\r\n',
        '\r\nHello\r\n',
    ),
    'a last chunk without a line end': withChunks('From: a@news.acme.example\r\n\r\nHello'),
    'a chunk with LF alone': withChunks('From: a@news.acme.example\nX: y\r\n\r\nHello\r\n'),
    'a chunk with NUL': withChunks('From: a@news.acme.example\r\n\r\nHe\0llo\r\n'),
    'a chunk that ends between CR and LF': withChunks('From: a@news.acme.example\r\n\r\nHello\r', '\n\r\n'),
    'a blank line in the header section': withChunks(
        'From: a@news.acme.example\r\n \r\nX: y\r\n\r\nHello\r\n',
    ),
    'a blank before the colon of a field': withChunks('From: a@news.acme.example\r\nX : y\r\n\r\nHello\r\n'),
}

const good = documentOf(batch([ann()])).toString()
const head = (change) => documentOf(batch([ann()], change))

/** Documents that cannot be a batch. */
const NO_BATCH = {
    'nothing at all': '',
    'no JSON': 'hello\r\n',
    'an array': '[]\r\n\r\n',
    null: 'null\r\n\r\n',
    'another version': head({ v: 2 }),
    'an id that is none': head({ id: '1/2' }),
    'a path for an id': head({ id: '../../etc/passwd' }),
    'a team 0': head({ team_id: 0 }),
    'a team in quotes': head({ team_id: '7' }),
    'a broken number': head({ broadcast_id: 1.5 }),
    'an unknown stream': head({ stream: 'bulk' }),
    'a broadcast in the transactional stream': head({ stream: 'transactional' }),
    'a domain in upper case': head({ domain: 'News.acme.example' }),
    'a domain with a line end': head({ domain: 'news.acme.example\r\nX: y' }),
    'no return path domain': head({ return_path_domain: null }),
    'signed by a text': head({ signed: 'no' }),
    'no mails': documentOf(batch([])),
    'too many mails': head({ mails_said: 5001 }),
    'one mail fewer than there are': documentOf(batch([ann(), ben()], { mails_said: 1 })),
    'one mail more than there are': documentOf(batch([ann(), ben()], { mails_said: 3 })),
    'a template without chunks': good.replace(/"chunks":\[[\d,]+\]/, '"chunks":[]'),
    'a template that is null': good.replace(/"templates":\[.*\],"mails"/, '"templates":[null],"mails"'),
    'a negative chunk': good.replace(/"chunks":\[\d+/, '"chunks":[-1'),
    'a chunk that is longer than the document': good.replace(/"chunks":\[\d+/, '"chunks":[9007199254740991'),
    'chunks that end too early': good.replace(/"chunks":\[\d+/, '"chunks":[1'),
    'values that end too early': documentOf(batch([ann({ lengths: [1, 1, 1] })])),
    'values that reach into the next mail': documentOf(batch([ann({ lengths: [19, 36, 400] }), ben()])),
    'a negative length': documentOf(batch([ann({ lengths: [-1, 36, 26] })])),
    'a length that is no number': documentOf(batch([ann({ lengths: [19, '36', 6] })])),
    'a line of eight fields': good.replace('ann@mailbox.example",0,null,', 'ann@mailbox.example",0,'),
    'words that are none': documentOf(batch([ann({ said: { tag: 'welcome', metadata: { order: 17 } } })])),
    'a line that ends in LF alone': good.replace(/\]\r\n/, ']\n'),
    'text behind the last mail': `${good}QUIT\r\n`,
    'a torn end': good.slice(0, -1),
    'a torn middle': good.slice(0, good.length / 2),
}

function main() {
    fs.rmSync(FOLDER, { recursive: true, force: true })
    fs.mkdirSync(FOLDER, { recursive: true })
    const vectors = [...Object.entries(TAKEN), ...Object.entries(NO_BATCH)].map(([about, content]) => {
        const document = Buffer.from(content.templates ? documentOf(content) : content)
        const file = `${about.toLowerCase().replace(/\W+/g, '-')}.batch`
        fs.writeFileSync(path.join(FOLDER, file), document)
        return { file, about, ...answerTo(document) }
    })
    const about =
        'What the parser of batches (haraka/plugins/lib/batch_format.js) must answer to each document: mails that go ' +
        'out, mails that are refused, or "cannot be a batch" with its enhanced status code. Mails are the text that is ' +
        'sent, before its dots are stuffed and before it is signed.'
    fs.writeFileSync(path.join(FOLDER, 'index.json'), `${JSON.stringify({ about, vectors }, null, 2)}\n`)
    fs.writeFileSync(path.join(FOLDER, '.gitattributes'), '*.batch -text\n')
}

function answerTo(document) {
    try {
        const batch = parseBatch(document)
        return {
            id: batch.id,
            team_id: batch.teamId,
            broadcast_id: batch.broadcastId,
            stream: batch.stream,
            domain: batch.domain,
            return_path_domain: batch.returnPath,
            signed: batch.signed,
            mails: batch.mails.map(answerOfMail),
            refused: batch.refused.map(({ index, code, enhanced }) => ({ index, code, enhanced })),
        }
    } catch (err) {
        if (err instanceof BatchError) return { no_batch: err.enhanced }
        throw err
    }
}

function answerOfMail(mail) {
    return {
        index: mail.index,
        message_id: mail.messageId,
        contact_id: mail.contactId,
        claim_key: mail.claimKey,
        sender: mail.sender,
        recipient: mail.recipient,
        smtputf8: mail.smtputf8,
        subject: mail.subject,
        mail: Buffer.concat(mail.parts()).toString(),
    }
}

module.exports = { FOLDER, answerTo }

if (require.main === module) main()
