'use strict'

// Lives of one edge that dies by kill -9 and starts again (dying_edge.js), a worker that submits what has no answer
// again, and what became of each mail in the end.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, before } = require('node:test')

const names = require('../../plugins/lib/names')
const { batchOf, documentOf, mailOf } = require('./batch')
const { Edge } = require('./edge')
const { waitFor } = require('./wait')
const { Worker, resultsOf } = require('./worker')

const DYING = path.join(__dirname, 'dying_edge.js')
const TRANSACTIONAL = { broadcast_id: 0, stream: 'transactional' }
const BROADCAST = { broadcast_id: 5 }

let edge
let folder

/** To be called once in a test file: an edge for all its tests, dead between them. */
function prepare() {
    before(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), 'crash-test-'))
        const log = path.join(folder, 'sent')
        fs.writeFileSync(log, '')
        edge = await Edge.start({ DISPATCH_LOG: log, DIE_AT: '' }, ['--require', DYING])
        await edge.kill()
    })
    after(async () => {
        await edge.stop()
        fs.rmSync(folder, { recursive: true })
    })
}

/** Three batches of a broadcast and one of no broadcast, four mails each; claim keys as the edge has them. */
function someBatches() {
    const mails = () => Array.from({ length: 4 }, () => mailOf())
    const broadcasts = Array.from({ length: 3 }, () => ({ mails: mails(), fields: BROADCAST }))
    return [...broadcasts, { mails: mails(), fields: TRANSACTIONAL }]
}

const claimOf = ({ contactId, messageId }, { broadcast_id: id }) =>
    id === 0 ? names.emailClaimKey(messageId) : names.broadcastClaimKey(id, contactId)

/** As a worker: what has no 250 is submitted again, under a new id. Resolves when all have one, or the edge is dead. */
async function submitAll(batches) {
    for (const batch of batches.filter(({ answered }) => !answered)) {
        const answer = await Promise.race([submit(batch).catch(() => ''), edge.exited.then(() => '')])
        if (answer === '') return
        for (const result of resultsOf(answer)) assert.match(result, /^(queued|duplicate) edge-1$/)
        batch.answered = true
    }
}

async function submit({ mails, fields }) {
    const worker = await Worker.connect(edge)
    const answer = await worker.submit(documentOf(batchOf(mails, fields)))
    worker.end()
    return answer
}

/** @returns {Map<string, {sent: number, unknown: number}>} claim key → how often it was sent, or told as unknown */
function fates(batches) {
    const lines = fs.readFileSync(edge.env.DISPATCH_LOG, 'utf8').split('\n')
    const keys = batches.flatMap(({ mails, fields }) => mails.map((mail) => claimOf(mail, fields)))
    const count = (line) => lines.filter((other) => other === line).length
    return new Map(keys.map((key) => [key, { sent: count(`sent ${key}`), unknown: count(`unknown ${key}`) }]))
}

const spoolFiles = () =>
    fs.readdirSync(path.join(edge.home, 'mails')).filter((name) => name.endsWith('.spool'))

/** One life of the edge, which dies at `point` (dying_edge.js), or else when `work` is done. */
async function live(point, work) {
    edge.env.DIE_AT = point
    await edge.launch()
    try {
        await work(edge)
    } finally {
        await edge.kill()
    }
}

/** The worker goes on until all is answered and over. */
async function finish(batches) {
    await submitAll(batches)
    assert.ok(batches.every(({ answered }) => answered))
    await waitFor(
        () => [...fates(batches).values()].every(({ sent, unknown }) => sent + unknown > 0),
        'every fate',
    )
    await waitFor(() => spoolFiles().length === 0, 'the spool to be empty')
}

/**
 * A mail of a broadcast is sent once, or told as unknown (again, where a life ended right behind that) and sent once at
 * most. Any other is sent, and told as sent.
 */
function assertCounts(batches) {
    for (const [key, { sent, unknown }] of fates(batches)) {
        if (key.startsWith('BROADCAST'))
            assert.ok(sent <= 1 && sent + unknown >= 1, `${key}: ${sent} sent, ${unknown} unknown`)
        else assert.ok(sent >= 1 && unknown === 0, `${key}: ${sent} sent`)
    }
}

module.exports = { prepare, someBatches, submitAll, live, finish, fates, assertCounts }
