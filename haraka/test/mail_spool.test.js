'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { BatchError, parseBatch } = require('../plugins/lib/batch_format')
const { MailSpool } = require('../plugins/lib/mail_spool')
const { batchOf, documentOf, mailOf } = require('./support/batch')
const { waitFor } = require('./support/wait')

let dir

beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mail-spool-test-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const neverLost = new Set(['transactional'])
const open = () => MailSpool.open({ dir, maxMails: 50_000, maxBytes: 1 << 29, neverLost })
const mailsOf = (count) => Array.from({ length: count }, () => mailOf())
const broadcast = (count) => parseBatch(documentOf(batchOf(mailsOf(count))), Date.now())
const submission = (count = 1) =>
    documentOf(batchOf(mailsOf(count), { broadcast_id: 0, stream: 'transactional' }))
const spoolFiles = () => fs.readdirSync(dir).filter((name) => name.endsWith('.spool'))
const left = (spool) => spool.left.map(({ mail, fate }) => `${mail.key} ${fate}`).sort()
const keys = (mails, fate) => mails.map(({ key }) => `${key} ${fate}`).sort()

test('what was written is there after a kill, the same to the byte', async () => {
    const batch = broadcast(3)
    await open().write(batch)
    const next = open()
    assert.deepEqual(left(next), keys(batch.mails, 'send'))
    assert.deepEqual(next.left[2].mail.parts(), batch.mails[2].parts())
    assert.equal(next.left[0].mail.queuedAt, batch.queuedAt)
    assert.deepEqual(next.counts, { mails: 3, bytes: batch.document.length, batches: 1 })
})

test('what is over is not sent again; what was begun is unknown for a broadcast, and sent otherwise', async () => {
    const spool = open()
    const batch = broadcast(4)
    await spool.write(batch)
    const submitted = await spool.append(submission(2))
    const [done, begun, both, waiting] = batch.mails
    await Promise.all([begun, both, submitted[0]].map((mail) => spool.intend(mail)))
    spool.done(done)
    spool.done(both)
    await spool.close()
    const expected = [...keys([begun], 'unknown'), ...keys([waiting, ...submitted], 'send')].sort()
    assert.deepEqual(left(open()), expected)
    assert.deepEqual(left(open()), expected, 'however often it starts')
})

test('what a server took is not sent again, of whatever stream, and is over when that is told', async () => {
    const spool = open()
    const batch = broadcast(2)
    await spool.write(batch)
    const submitted = await spool.append(submission(2))
    const sent = [...batch.mails, submitted[0]]
    await Promise.all(sent.map((mail) => spool.intend(mail)))
    for (const mail of sent) spool.sent(mail)
    spool.done(batch.mails[1])
    spool.sent(batch.mails[1])
    await spool.close()
    const expected = [...keys([batch.mails[0], submitted[0]], 'sent'), ...keys([submitted[1]], 'send')].sort()
    assert.deepEqual(left(open()), expected)
})

test('a file goes when all its mails are over, and not before', async () => {
    const spool = open()
    const batch = broadcast(3)
    await spool.write(batch)
    spool.done(batch.mails[0])
    spool.done(batch.mails[1])
    spool.done(batch.mails[1])
    assert.deepEqual(spool.counts, { mails: 1, bytes: batch.document.length, batches: 1 })
    assert.equal(spoolFiles().length, 1)
    spool.done(batch.mails[2])
    await waitFor(() => spoolFiles().length === 0, 'the file to go')
    await waitFor(() => spool.counts.batches === 0, 'the batch to go')
    assert.deepEqual(spool.counts, { mails: 0, bytes: 0, batches: 0 })
    spool.done(batch.mails[2])
    await spool.close()
    assert.deepEqual(left(open()), [])
})

test('a file of which all is over, that a kill left, goes at the start', async () => {
    const spool = open()
    const batch = broadcast(2)
    await spool.write(batch)
    const [name] = spoolFiles()
    const bytes = fs.readFileSync(path.join(dir, name))
    for (const mail of batch.mails) spool.done(mail)
    await waitFor(() => spoolFiles().length === 0, 'the file to go')
    await spool.close()
    fs.writeFileSync(path.join(dir, name), bytes)
    assert.deepEqual(left(open()), [])
    await waitFor(() => spoolFiles().length === 0, 'the file to go')
})

test('what of a batch is over is remembered until its file is gone, whatever the journal forgets', async () => {
    const spool = open()
    const batch = broadcast(3)
    await spool.write(batch)
    spool.done(batch.mails[0])
    await spool.close()
    for (let start = 0; start < 3; start++) {
        const next = open()
        assert.deepEqual(left(next), keys(batch.mails.slice(1), 'send'))
        await next.journal.intend(`q/${start}`)
        await next.close()
    }
})

test('submitted mails share files and answers', async () => {
    const syncs = []
    const spool = MailSpool.open({
        dir,
        maxMails: 50_000,
        maxBytes: 1 << 29,
        neverLost,
        onSync: (seconds) => syncs.push(seconds),
    })
    const taken = await Promise.all(Array.from({ length: 200 }, () => spool.append(submission())))
    assert.equal(spoolFiles().length, 1)
    assert.ok(syncs.length < 20, `${syncs.length}`)
    assert.ok(syncs.every((seconds) => seconds > 0))
    assert.deepEqual(left(open()), keys(taken.flat(), 'send'))
})

test('a shared file ends at 500 mails, and goes when all of it is over', async () => {
    const spool = open()
    const taken = []
    for (let i = 0; i < 7; i++) taken.push(...(await spool.append(submission(100))))
    assert.equal(spoolFiles().length, 2)
    for (const mail of taken.slice(0, 500)) spool.done(mail)
    await waitFor(() => spoolFiles().length === 1, 'the full file to go')
    for (const mail of taken.slice(500)) spool.done(mail)
    await waitFor(() => spoolFiles().length === 0, 'the open file to go')
    const [mail] = await spool.append(submission())
    assert.deepEqual(left(open()), keys([mail], 'send'))
})

test('a mail that is over while others are being written beside it takes none of them along', async () => {
    const spool = open()
    const written = []
    for (let i = 0; i < 50; i++) {
        const writing = spool.append(submission())
        for (const mail of written.splice(0)) spool.done(mail)
        written.push(...(await writing))
    }
    assert.deepEqual(left(open()), keys(written, 'send'))
})

test('a submitted mail that breaks a rule is not kept', async () => {
    const spool = open()
    const bad = documentOf(
        batchOf([mailOf({ recipient: 'x' })], { broadcast_id: 0, stream: 'transactional' }),
    )
    await assert.rejects(spool.append(bad), (err) => err instanceof BatchError && err.enhanced === '5.1.3')
    assert.deepEqual(spoolFiles(), [])
    assert.deepEqual(spool.counts, { mails: 0, bytes: 0, batches: 0 })
})

test('wherever a kill cut a file off, its whole documents are there and the rest is dropped', async () => {
    const spool = open()
    const taken = []
    for (let i = 0; i < 3; i++) taken.push(...(await spool.append(submission())))
    const file = path.join(dir, spoolFiles()[0])
    const bytes = fs.readFileSync(file)
    const ends = [...bytes.toString('latin1').matchAll(/KIBA1/g)]
        .map(({ index }) => index)
        .concat(bytes.length)
    for (let size = 0; size <= bytes.length; size += 7) {
        fs.writeFileSync(file, bytes.subarray(0, size))
        const whole = ends.filter((end) => end > 0 && end <= size).length
        assert.deepEqual(
            left(open()),
            keys(taken.slice(0, whole), 'send'),
            `${size} of ${bytes.length} bytes`,
        )
    }
})

test('bytes that the disk has changed are not sent', async () => {
    const spool = open()
    const batch = broadcast(1)
    await spool.write(batch)
    const file = path.join(dir, spoolFiles()[0])
    const bytes = fs.readFileSync(file)
    bytes[bytes.length - 5] ^= 1
    fs.writeFileSync(file, bytes)
    assert.deepEqual(left(open()), [])
})

test('a batch that this version cannot read is kept for one that can', async () => {
    const spool = open()
    const batch = broadcast(1)
    batch.document = Buffer.from(batch.document.toString().replace('"v":1', '"v":9'))
    await spool.write(batch)
    assert.deepEqual(left(open()), [])
    assert.equal(spoolFiles().length, 1)
})

test('a batch whose folder is gone is not taken, and leaves nothing', async () => {
    const spool = open()
    fs.rmSync(dir, { recursive: true })
    await assert.rejects(spool.write(broadcast(2)), { code: 'ENOENT' })
    await assert.rejects(spool.append(submission()), { code: 'ENOENT' })
    assert.deepEqual(spool.counts, { mails: 0, bytes: 0, batches: 0 })
    fs.mkdirSync(dir)
    const batch = broadcast(1)
    await spool.write(batch)
    const [mail] = await spool.append(submission())
    assert.deepEqual(left(open()), keys([...batch.mails, mail], 'send'))
})

test('an id that is here is not written over', async () => {
    const spool = open()
    const batch = broadcast(1)
    await spool.write(batch)
    assert.equal(spool.has(batch.id), true)
    await assert.rejects(spool.write(batch), /here already/)
    assert.deepEqual(left(open()), keys(batch.mails, 'send'))
})

test('a full disk takes whole batches or nothing, and goes on when there is room', () => {
    const inSmallDisk = `mount -t tmpfs -o size=256k tmpfs ${dir} && exec ${process.execPath} ${FILL} ${dir}`
    const output = execFileSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', inSmallDisk])
    const { refusals, answered, found } = JSON.parse(output)
    assert.deepEqual(new Set(refusals), new Set(['ENOSPC']))
    assert.ok(answered.length > 20)
    assert.deepEqual(found, answered)
})

const FILL = path.join(__dirname, 'support', 'fill_disk.js')
