'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { afterEach, beforeEach, test } = require('node:test')

const { Journal } = require('../plugins/lib/journal')

let dir

beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-test-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

const pending = (journal) => [...journal.pending()].sort()
const files = () => fs.readdirSync(dir).sort()
const last = () => path.join(dir, files().at(-1))

test('an intent is on disk when it resolves, as a kill leaves it', async () => {
    await new Journal(dir).intend('b/1')
    assert.deepEqual(pending(new Journal(dir)), ['b/1'])
})

test('what is over is pending no more, after a start too', async () => {
    const journal = new Journal(dir)
    await Promise.all(['b/1', 'b/2', 'q/x'].map((key) => journal.intend(key)))
    journal.done('b/1')
    journal.done('q/x')
    assert.deepEqual(pending(journal), ['b/2'])
    await journal.close()
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['b/2'])
    assert.deepEqual([next.wasOver('b/1'), next.wasOver('b/2')], [true, false])
})

test('what was sent is known till it is over, and is on disk with the next intent', async () => {
    const journal = new Journal(dir)
    await Promise.all(['b/1', 'b/2'].map((key) => journal.intend(key)))
    for (const key of ['b/1', 'b/2']) journal.sent(key)
    journal.done('b/2')
    await journal.intend('b/3')
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['b/3'])
    assert.deepEqual([next.wasSent('b/1'), next.wasSent('b/2'), next.wasOver('b/2')], [true, false, true])
    // In a file of its own, which says again what matters.
    await next.intend('b/4')
    assert.deepEqual([pending(new Journal(dir)), new Journal(dir).wasSent('b/1')], [['b/3', 'b/4'], true])
    await Promise.all([journal, next].map((each) => each.close()))
})

test('a key may be intended again after it was over', async () => {
    const journal = new Journal(dir)
    await journal.intend('q/x')
    journal.done('q/x')
    await journal.intend('q/x')
    await journal.close()
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['q/x'])
    assert.equal(next.wasOver('q/x'), false)
})

test('an intent that is withdrawn is none, and may come again', async () => {
    const journal = new Journal(dir)
    const intended = journal.intend('b/1')
    journal.withdraw('b/1')
    await intended
    await journal.intend('b/2')
    journal.withdraw('b/2')
    await journal.intend('b/2')
    await journal.close()
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['b/2'])
    assert.deepEqual([next.wasOver('b/1'), next.wasOver('b/2')], [false, false])
})

test('that a mail is over is written by itself, though nothing is intended', async () => {
    const journal = new Journal(dir)
    journal.done('b/1')
    await journal.close()
    assert.equal(new Journal(dir).wasOver('b/1'), true)
})

test('a line that was cut off is dropped, and all behind one that is none', async () => {
    const journal = new Journal(dir)
    await Promise.all(['b/1', 'b/2'].map((key) => journal.intend(key)))
    await journal.close()
    fs.appendFileSync(last(), '+b/33')
    assert.deepEqual(pending(new Journal(dir)), ['b/1', 'b/2'])
    fs.appendFileSync(last(), '\n\0\0\0\n+b/4\n')
    assert.deepEqual(pending(new Journal(dir)), ['b/1', 'b/2', 'b/33'])
})

test('nothing is written behind a line that was cut off', async () => {
    const journal = new Journal(dir)
    await journal.intend('b/1')
    await journal.close()
    fs.appendFileSync(last(), '+b/2')
    const next = new Journal(dir)
    await next.intend('b/3')
    assert.deepEqual(pending(new Journal(dir)), ['b/1', 'b/3'])
})

test('it stays small, and forgets what nobody must know any more', async () => {
    const over = new Set()
    const journal = new Journal(dir, { over: () => over, appendedBytes: 2000 })
    await journal.intend('open/0')
    for (let i = 0; i < 1000; i++) {
        await journal.intend(`b/${i}`)
        journal.done(`b/${i}`)
        if (i === 500) over.add('b/500')
    }
    assert.equal(files().length, 1)
    assert.ok(fs.statSync(last()).size < 3000)
    await journal.close()
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['open/0'])
    assert.deepEqual([next.wasOver('b/500'), next.wasOver('b/400')], [true, false])
})

test('a new file that a kill left half written does not count', async () => {
    const journal = new Journal(dir)
    await journal.intend('b/1')
    await journal.close()
    fs.writeFileSync(path.join(dir, 'journal-00000002.new'), '+b/2\n+b/')
    const next = new Journal(dir)
    assert.deepEqual(pending(next), ['b/1'])
    await next.intend('b/3')
    assert.deepEqual(files(), ['journal-00000002'])
})

test('a kill between the new file and the removal of the old one loses nothing', async () => {
    const journal = new Journal(dir)
    await journal.intend('b/1')
    const old = fs.readFileSync(last())
    await journal.close()
    const next = new Journal(dir)
    next.done('b/1')
    await next.intend('b/2')
    await next.close()
    fs.writeFileSync(path.join(dir, 'journal-00000001'), old)
    assert.deepEqual(pending(new Journal(dir)), ['b/2'])
})

test('an intent that cannot be written is none, and the next one is', async () => {
    const journal = new Journal(dir)
    await journal.intend('b/1')
    await journal.close()
    fs.mkdirSync(path.join(dir, 'journal-00000002.new'))
    await assert.rejects(journal.intend('b/2'))
    assert.deepEqual(pending(journal), ['b/1'])
    fs.rmdirSync(path.join(dir, 'journal-00000002.new'))
    await journal.intend('b/3')
    assert.deepEqual(pending(new Journal(dir)), ['b/1', 'b/3'])
})
