'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, afterEach, before, test } = require('node:test')
const { v7: uuid } = require('uuid')

const names = require('../plugins/lib/names')
const { batchOf, documentOf, mailOf, onTheWire } = require('./support/batch')
const { FOLDER } = require('./support/batch_vectors')
const { Edge, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')
const { Worker, resultsOf } = require('./support/worker')

const RECORDER = path.join(__dirname, 'support', 'record_dispatch.js')
const MAX_BYTES = 200_000
const MAX_MAILS = 1000

let edge
let worker

before(async () => {
    edge = await Edge.start(
        {
            DISPATCH_LOG: path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'batch-test-')), 'sent'),
            KIBA_MAX_BATCH_BYTES: MAX_BYTES,
            KIBA_MAX_SPOOLED_MAILS: MAX_MAILS,
            KIBA_SMTP_IDLE_SECONDS: 2,
        },
        ['--require', RECORDER],
    )
})
after(() => edge.stop())

afterEach(() => worker?.end())

const mailsOf = (count) => Array.from({ length: count }, () => mailOf())
const document = (mails, fields) => documentOf(batchOf(mails, fields))
const sent = () =>
    fs.existsSync(edge.env.DISPATCH_LOG) ? fs.readFileSync(edge.env.DISPATCH_LOG, 'utf8') : ''
const spoolFiles = () =>
    fs.readdirSync(path.join(edge.home, 'mails')).filter((name) => name.endsWith('.spool'))
const connect = async () => (worker = await Worker.connect(edge))

test('a batch is on disk, claimed and handed on, and each mail has its answer', async () => {
    await connect()
    const batch = batchOf([...mailsOf(3), mailOf({ recipient: 'nobody' })])
    const answer = await worker.submit(documentOf(batch))
    assert.equal(
        answer,
        [
            '250-0-2 queued edge-1',
            '250-3-3 refused 550 5.1.3 The recipient must be one plain address',
            `250 batch ${batch.id} 4`,
        ].join('\r\n'),
    )
    assert.ok(spoolFiles().includes(`${batch.id}.spool`))
    const [{ messageId, contactId }] = batch.mails
    assert.equal(await edge.redis.client.get(`BROADCAST:5:${contactId}`), `${messageId}:edge-1:${batch.id}`)
    await waitFor(
        () => sent().includes(`send ${batch.id}/2 BROADCAST:5:${batch.mails[2].contactId}\n`),
        'the mails',
    )
})

test('submitted again, under a new id, its mails are duplicates and go nowhere', async () => {
    await connect()
    const mails = mailsOf(2)
    assert.deepEqual(resultsOf(await worker.submit(document(mails))), Array(2).fill('queued edge-1'))
    const again = batchOf([...mails, mailOf()])
    assert.deepEqual(resultsOf(await worker.submit(documentOf(again))), [
        ...Array(2).fill('duplicate edge-1'),
        'queued edge-1',
    ])
    await waitFor(() => sent().includes(`send ${again.id}/2 `), 'the new mail')
    assert.doesNotMatch(sent(), new RegExp(`${again.id}/[01]`))
})

test('of many submissions of the same mails at the same time one has each', async () => {
    const mails = mailsOf(10)
    const workers = await Promise.all(Array.from({ length: 6 }, () => Worker.connect(edge)))
    const answers = await Promise.all(workers.map((each) => each.submit(document(mails))))
    const results = answers.map(resultsOf)
    for (let i = 0; i < mails.length; i++) {
        assert.deepEqual(results.map((of) => of[i]).sort(), [
            ...Array(5).fill('duplicate edge-1'),
            'queued edge-1',
        ])
    }
    workers.forEach((each) => each.end())
})

test('an id that is here already is not taken twice', async () => {
    await connect()
    const batch = batchOf(mailsOf(1))
    await worker.submit(documentOf(batch))
    const answer = await worker.submit(documentOf({ ...batch, mails: mailsOf(1) }))
    assert.match(answer, /^451 4\.3\.0 Batch .* use a new id/)
})

test('a batch of which all is refused leaves nothing behind', async () => {
    await connect()
    const files = spoolFiles()
    const answer = await worker.submit(document([mailOf({ recipient: 'x' }), mailOf({ sender: 'x' })]))
    assert.deepEqual(resultsOf(answer), [
        'refused 550 5.1.3 The recipient must be one plain address',
        'refused 550 5.1.7 The envelope sender must be one plain address',
    ])
    assert.deepEqual(spoolFiles(), files)
})

test('what is hostile is refused over the wire as by the parser, and the connection goes on', async () => {
    await connect()
    const { vectors } = JSON.parse(fs.readFileSync(path.join(FOLDER, 'index.json')))
    for (const { file, about, no_batch: isNoBatch, mails, refused } of vectors) {
        const text = fs.readFileSync(path.join(FOLDER, file)).toString('latin1')
        if (!text.endsWith('\r\n')) continue // no DATA can carry it
        const bytes = Buffer.from(text.replace('01900000-0000-7000-8000-000000000000', uuid()), 'latin1')
        const results = resultsOf(await worker.submit(bytes))
        if (isNoBatch) assert.match(results[0], new RegExp(`^554 ${isNoBatch} `), about)
        for (const { index } of mails ?? [])
            assert.match(results[index], /^(queued|duplicate) edge-1$/, about)
        for (const { index, code, enhanced } of refused ?? []) {
            assert.ok(results[index].startsWith(`refused ${code} ${enhanced} `), about)
        }
    }
    assert.deepEqual(resultsOf(await worker.submit(document(mailsOf(1)))), ['queued edge-1'])
})

test('another content type, or another version, is no batch', async () => {
    await connect()
    for (const type of [
        'text/plain',
        'application/vnd.kibamail.batch',
        'application/vnd.kibamail.batch; version=2',
    ]) {
        assert.match(await worker.submit(document(mailsOf(1)), type), /^554 5\.6\.1 Only application/)
    }
})

test('only workers hand over batches', async () => {
    await connect()
    const stranger = new Worker()
    stranger.client = await SmtpClient.connect(edge.ports.internal)
    assert.match(await stranger.client.send('MAIL FROM:<>'), /^503|^530/)
    stranger.client.end()

    const team = new Worker()
    team.client = await SmtpClient.connect(edge.ports.submission)
    await team.client.login(String(TEAM.id), TEAM.apiKey)
    assert.match(await team.submit(document(mailsOf(1))), /^550 5\.6\.0 A mail must have one From/)
    team.end()
})

test('the internal listener announces the size of a batch, the others that of a mail', async () => {
    const sizeOf = async (port) => {
        const client = await SmtpClient.connect(port)
        const reply = await client.send('EHLO client.example')
        client.end()
        return Number(/^250.SIZE (\d+)/m.exec(reply)[1])
    }
    assert.equal(await sizeOf(edge.ports.internal), MAX_BYTES)
    assert.equal(await sizeOf(edge.ports.submission), 25 * 1024 * 1024)
})

test('the internal listener takes nothing but batches', async () => {
    await connect()
    await worker.client.send('MAIL FROM:<>')
    assert.match(
        await worker.client.send('RCPT TO:<ann@mailbox.example>'),
        /^550 5\.1\.1 Only batches are taken here/,
    )
})

test('a domain without a key is waited for, and one of another team is refused', async () => {
    await connect()
    const chunks = ['From: n@new.example\r\n\r\nHello\r\n']
    const strange = { domain: 'new.example', templates: [{ subject: null, chunks }] }
    const mail = () => mailOf({ values: [] })
    assert.match(
        await worker.submit(document([mail()], strange)),
        /^451 4\.7\.5 new\.example has no signing key/,
    )
    assert.match(
        await worker.submit(document(mailsOf(1), { team_id: 8 })),
        /^554 5\.7\.1 news\.acme\.example is not a domain of team 8/,
    )
})

test('a batch above the limit is read to its end and refused', async () => {
    await connect()
    const mails = mailsOf(20).map((mail) => ({
        ...mail,
        values: [...mail.values.slice(0, 2), 'x'.repeat(10_000)],
    }))
    assert.match(
        await worker.submit(document(mails)),
        /^552 5\.3\.4 The batch has \d+ bytes; the limit is 200000/,
    )
    assert.deepEqual(resultsOf(await worker.submit(document(mailsOf(1)))), ['queued edge-1'])
})

test('what is sent before 354 is not taken, and ends the connection', async () => {
    await connect()
    await worker.client.send('MAIL FROM:<>')
    await worker.client.send('RCPT TO:<batch@mx.example>')
    worker.client.write(Buffer.concat([Buffer.from('DATA\r\n'), onTheWire(document(mailsOf(1)))]))
    assert.match(await worker.client.reply(), /^503 5\.5\.0 Wait for 354/)
    assert.equal(await worker.client.reply(), '')
})

test('commands behind the final dot are refused, not obeyed', async () => {
    await connect()
    await worker.begin()
    const more = 'MAIL FROM:<>\r\nRCPT TO:<batch@mx.example>\r\n'
    worker.client.write(Buffer.concat([onTheWire(document(mailsOf(1))), Buffer.from(more)]))
    assert.deepEqual(resultsOf(await worker.client.reply()), ['queued edge-1'])
    assert.match(await worker.client.reply(), /^503 /)
    assert.match(await worker.client.reply(), /^503 /)
    assert.deepEqual(resultsOf(await worker.submit(document(mailsOf(1)))), ['queued edge-1'])
})

test('a worker that goes in the midst of a batch leaves nothing of it', async () => {
    await connect()
    const files = spoolFiles()
    const connections = await edge.metric('kibamail_connections')
    await worker.begin()
    worker.client.write(onTheWire(document(mailsOf(5))).subarray(0, 900))
    worker.end()
    await waitFor(
        async () => (await edge.metric('kibamail_connections')) < connections,
        'the connection to end',
    )
    assert.deepEqual(spoolFiles(), files)
})

test('a worker that falls silent in the midst of a batch is told 421', async () => {
    await connect()
    const files = spoolFiles()
    await worker.begin()
    worker.client.write(onTheWire(document(mailsOf(5))).subarray(0, 900))
    assert.match(await worker.client.reply(), /^421 /)
    assert.equal(await worker.client.reply(), '')
    assert.deepEqual(spoolFiles(), files)
})

test('a folder that cannot be written to is 452, nothing is claimed, and it goes on afterwards', async () => {
    await connect()
    const folder = path.join(edge.home, 'mails')
    const [mail] = mailsOf(1)
    fs.renameSync(folder, `${folder}.away`)
    assert.match(await worker.submit(document([mail])), /^452 4\.3\.1 The spool cannot be written to/)
    fs.renameSync(`${folder}.away`, folder)
    assert.equal(await edge.redis.client.exists(`BROADCAST:5:${mail.contactId}`), 0)
    assert.deepEqual(resultsOf(await worker.submit(document([mail]))), ['queued edge-1'])
    assert.equal(await edge.metric('kibamail_batches_refused_total{reason="disk"}'), 1)
})

test('a full spool is 452, but not for a team that has little in it', async () => {
    await connect()
    for (const count of [100, 10]) {
        let answer
        do answer = await worker.submit(document(mailsOf(count)))
        while (answer.startsWith('250'))
        assert.match(answer, /^452 4\.3\.1 The spool is full: \d+ mails/)
    }

    await edge.redis.client.copy(names.domainKey('news.acme.example'), names.domainKey('small.example'))
    await edge.redis.client.hset(names.domainKey('small.example'), 'team_id', 8)
    const chunks = ['From: n@small.example\r\n\r\nHello\r\n']
    const small = { team_id: 8, domain: 'small.example', templates: [{ subject: null, chunks }] }
    const ten = Array.from({ length: 10 }, () => mailOf({ values: [] }))
    assert.deepEqual(resultsOf(await worker.submit(document(ten, small))), Array(10).fill('queued edge-1'))
    assert.ok((await edge.metric('kibamail_spooled_mails')) > MAX_MAILS)
    assert.ok((await edge.metric('kibamail_spool_sync_seconds_count')) > 10)
})
