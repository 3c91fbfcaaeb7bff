'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { Spool } = require('../plugins/lib/spool')
const { waitFor } = require('./support/wait')

const FILL = path.join(__dirname, 'support', 'fill_events.js')
const ALL = [500, 1 << 20]
let dir

beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'spool-test-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

const numbers = (batch) =>
    batch?.body
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).n)
const appendAll = (spool, from, to) =>
    Promise.all(Array.from({ length: to - from + 1 }, (_, i) => spool.append({ n: from + i })))

test('events come out in the order in which they went in', async () => {
    const spool = new Spool(dir)
    await appendAll(spool, 1, 100)
    const first = await spool.next(60, 1 << 20)
    await spool.taken(first.end)
    const second = await spool.next(60, 1 << 20)
    await spool.taken(second.end)
    assert.deepEqual(
        [...numbers(first), ...numbers(second)],
        Array.from({ length: 100 }, (_, i) => i + 1),
    )
    assert.equal(await spool.next(...ALL), null)
    assert.equal(spool.backlogBytes, 0)
})

test('events that were not taken are there again', async () => {
    const spool = new Spool(dir)
    await appendAll(spool, 1, 2)
    assert.deepEqual(numbers(await spool.next(...ALL)), [1, 2])
    assert.deepEqual(numbers(await spool.next(...ALL)), [1, 2])
})

test('a batch keeps to the bytes it may have', async () => {
    const spool = new Spool(dir)
    await appendAll(spool, 1, 9)
    const batch = await spool.next(500, 25)
    assert.deepEqual(numbers(batch), [1, 2, 3])
    assert.equal(batch.count, 3)
})

test('a new start goes on where the last one stopped', async () => {
    const before = new Spool(dir)
    await appendAll(before, 1, 3)
    await before.taken((await before.next(2, 1 << 20)).end)
    const after = new Spool(dir)
    assert.deepEqual(numbers(await after.next(...ALL)), [3])
    await after.append({ n: 4 })
    assert.deepEqual(numbers(await after.next(...ALL)), [3, 4])
})

test('events come in order whether they are still in memory or have to be read from disk', async () => {
    const spool = new Spool(dir, { segmentBytes: 64 })
    const seen = []
    for (let n = 1; n <= 60; n += 3) {
        await appendAll(spool, n, n + 2)
        // One of them, two of them, all that wait: a group that was taken in part is read from disk from there on.
        const batch = await spool.next(n % 2 ? 2 : 500, 1 << 20)
        seen.push(...numbers(batch))
        await spool.taken(batch.end)
    }
    for (let batch; (batch = await spool.next(...ALL)); await spool.taken(batch.end))
        seen.push(...numbers(batch))
    assert.deepEqual(
        seen,
        Array.from({ length: 60 }, (_, i) => i + 1),
    )
    assert.equal(spool.backlogBytes, 0)
})

test('a line that was cut off is dropped, and nothing else', async () => {
    const before = new Spool(dir)
    await appendAll(before, 1, 2)
    await before.close()
    fs.appendFileSync(path.join(dir, '00000001.ndjson'), '{"n": 3')
    const after = new Spool(dir)
    assert.equal(after.droppedBytes, 7)
    await after.append({ n: 4 })
    assert.deepEqual(numbers(await after.next(...ALL)), [1, 2, 4])
})

test('full segments are deleted when all of them was taken', async () => {
    const spool = new Spool(dir, { segmentBytes: 32 })
    for (let n = 1; n <= 20; n++) await spool.append({ n })
    const files = () => fs.readdirSync(dir).filter((file) => file.endsWith('.ndjson')).length
    assert.ok(files() > 3)
    const seen = []
    for (let batch; (batch = await spool.next(...ALL)); await spool.taken(batch.end))
        seen.push(...numbers(batch))
    assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, i) => i + 1),
    )
    assert.ok(files() <= 1)
})

test('a disk that is full of what was taken has room again', () => {
    const inSmallDisk = `mount -t tmpfs -o size=256k tmpfs ${dir} && exec ${process.execPath} ${FILL} ${dir}`
    const output = execFileSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', inSmallDisk])
    for (const { appended, taken } of JSON.parse(output)) {
        assert.ok(appended > 20)
        assert.equal(taken, appended)
    }
})

test('a start after a crash between taking and deleting forgets what was taken', async () => {
    const before = new Spool(dir, { segmentBytes: 16 })
    for (let n = 1; n <= 6; n++) await before.append({ n })
    const copy = fs.readFileSync(path.join(dir, '00000001.ndjson'))
    for (let n = 0; n < 2; n++) await before.taken((await before.next(...ALL)).end)
    fs.writeFileSync(path.join(dir, '00000001.ndjson'), copy)
    const after = new Spool(dir, { segmentBytes: 16 })
    assert.deepEqual(numbers(await after.next(...ALL)), [5, 6])
})

test('a start without any segment does not take the old position for that of a new one', async () => {
    const before = new Spool(dir, { segmentBytes: 8 })
    await before.append({ n: 1 })
    await before.taken((await before.next(...ALL)).end)
    assert.equal(await before.next(...ALL), null)
    const first = path.join(dir, '00000001.ndjson')
    await waitFor(() => !fs.existsSync(first), 'the removal of what was taken')
    const between = new Spool(dir, { segmentBytes: 8 })
    await between.append({ n: 2 })
    assert.deepEqual(numbers(await new Spool(dir).next(...ALL)), [2])
})

test('a position that cannot be read sends everything again rather than nothing', async () => {
    const before = new Spool(dir)
    await appendAll(before, 1, 2)
    await before.taken((await before.next(...ALL)).end)
    fs.writeFileSync(path.join(dir, 'position.json'), '{"segm')
    assert.deepEqual(numbers(await new Spool(dir).next(...ALL)), [1, 2])
})

test('an append fails where the disk does, and the journal stays whole', async () => {
    const spool = new Spool(dir)
    fs.mkdirSync(path.join(dir, '00000001.ndjson'))
    await assert.rejects(spool.append({ n: 1 }))
    fs.rmdirSync(path.join(dir, '00000001.ndjson'))
    await spool.append({ n: 2 })
    assert.deepEqual(numbers(await spool.next(...ALL)), [2])
})
