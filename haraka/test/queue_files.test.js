'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')
const qfile = require('Haraka/outbound/qfile')

const { QueueFiles } = require('../plugins/lib/queue_files')

const ENVELOPE = {
    queue_time: 1000,
    uuid: '0190a1b2-0000-7000-8000-000000000000.3.0badcafe',
    domain: 'mailbox.example',
}
const WHEN = { dueAt: 5000, attempts: 2 }
const MAIL = Buffer.from('Subject: x\r\n\r\n.dot\r\nend\r\n')

let files

beforeEach(() => {
    files = new QueueFiles(fs.mkdtempSync(path.join(os.tmpdir(), 'queue-files-')), qfile)
})
afterEach(() => fs.rmSync(files.dir, { recursive: true }))

test('what is written is read again, and its name tells whose it is and when it is due', async () => {
    const file = await files.write(ENVELOPE, MAIL, WHEN)
    assert.deepEqual(await files.readHead(file), ENVELOPE)
    assert.deepEqual(await files.readMail(file), MAIL)
    assert.deepEqual(files.partsOf(file), { uuid: ENVELOPE.uuid, ...WHEN })
    assert.deepEqual(await files.list(), [file])
})

test('the mail is dot-stuffed in the file, as Haraka has it', async () => {
    const bytes = fs.readFileSync(files.pathOf(await files.write(ENVELOPE, MAIL, WHEN)))
    assert.equal(bytes.readUInt32BE(), Buffer.byteLength(JSON.stringify(ENVELOPE)))
    assert.ok(bytes.includes('\r\n..dot\r\n'))
})

test('a postponed mail has a new name and nothing else', async () => {
    const file = await files.write(ENVELOPE, MAIL, WHEN)
    const renamed = await files.postpone(file, { dueAt: 9000, attempts: 3 })
    assert.deepEqual(await files.list(), [renamed])
    assert.deepEqual(files.partsOf(renamed), { uuid: ENVELOPE.uuid, dueAt: 9000, attempts: 3 })
    assert.deepEqual(await files.readMail(renamed), MAIL)
})

test('a removed mail is gone', async () => {
    await files.remove(await files.write(ENVELOPE, MAIL, WHEN))
    assert.deepEqual(fs.readdirSync(files.dir), [])
})

test('what cannot be written leaves nothing behind', async () => {
    files.qfile = { ...qfile, name: () => 'no/such/folder' }
    await assert.rejects(files.write(ENVELOPE, MAIL, WHEN))
    assert.deepEqual(fs.readdirSync(files.dir), [])
})

test('damage is told from what may be read another time', async () => {
    const file = await files.write(ENVELOPE, MAIL, WHEN)
    assert.equal(await files.damageOf(file), 'none')
    for (const bytes of [
        Buffer.alloc(0),
        Buffer.from([0, 0, 0, 9, 0x7b]),
        Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7b]),
    ]) {
        fs.writeFileSync(files.pathOf(file), bytes)
        assert.equal(await files.damageOf(file), 'damaged')
    }
    await files.setAside(file)
    assert.equal(await files.damageOf(file), 'gone')
    assert.deepEqual(await files.list(), [])
})
