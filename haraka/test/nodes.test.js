'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')

const { Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')

const NODES = 2
let edge

before(async () => {
    edge = await Edge.start({ KIBA_NODES: NODES, KIBA_RETRY_SCHEDULE: '1s*60' })
})
after(() => edge.stop())

const batchOf = (count, domain = 'mailbox.example') =>
    Array.from({ length: count }, (_, i) => edge.mail({ recipient: `reader${i}@${domain}` }))

/** Which node answered. */
const nodeIn = (reply) => /^250-0-\d+ queued edge-1\.(\d)/.exec(reply)[1]

/** Hands batches over until each node has had one. @returns {Promise<Map<string, object[]>>} node → its mails */
async function toEachNode(domain) {
    const byNode = new Map()
    while (byNode.size < NODES) {
        const mails = batchOf(3, domain)
        const node = nodeIn(await edge.handOver(mails))
        byNode.set(node, [...(byNode.get(node) ?? []), ...mails])
    }
    return byNode
}

const pidOf = (number) => {
    const line = edge.logs.findLast(({ event, node }) => event === 'node started' && node === number)
    return line.pid
}

test('each node takes mail behind the same listener, by its own name, and events say which', async () => {
    for (const [node, mails] of await toEachNode()) {
        const { messageId } = mails[0]
        const { edge: name } = await edge.webhook.event({ type: 'delivered', message_id: messageId })
        assert.equal(name, `edge-1.${node}`)
    }
})

test('each node has a home of its own', () => {
    for (const node of ['1', '2']) {
        assert.ok(fs.existsSync(path.join(edge.home, node, 'mails')))
        assert.ok(fs.existsSync(path.join(edge.home, node, 'events')))
    }
})

test('each node answers for its health, and the first process for all', async () => {
    assert.deepEqual((await edge.health()).checks, {
        'edge-1.1': { ok: true, detail: 'ok' },
        'edge-1.2': { ok: true, detail: 'ok' },
    })
    for (const node of [1, 2]) {
        const answer = await fetch(`http://127.0.0.1:${edge.ports.health + node}/health`)
        assert.deepEqual(Object.keys((await answer.json()).checks), [
            'redis',
            'events',
            'spool',
            'lanes',
            'queue',
        ])
    }
})

test('a node that is killed is started again and sends what it left, and the other goes on', async () => {
    await edge.mailbox.closeSmtp()
    const byNode = await toEachNode()
    process.kill(pidOf(1), 'SIGKILL')
    await waitFor(async () => (await edge.health()).checks['edge-1.1'].ok === false, 'the node to be missed')
    assert.equal(nodeIn(await edge.handOver(batchOf(1))), '2')
    await edge.mailbox.openSmtp()
    await waitFor(async () => (await edge.health()).status === 'ok', 'the node to be back')
    for (const { messageId } of [...byNode.values()].flat()) {
        await edge.webhook.event({ type: 'delivered', message_id: messageId })
    }
})

test('SIGTERM ends all of them, and the first process last', async () => {
    edge.process.kill('SIGTERM')
    assert.equal(await edge.exited, 0)
    const stopped = edge.logs.filter(({ event }) => event === 'stopped')
    assert.equal(stopped.length, NODES + 1)
    assert.equal(stopped.at(-1).nodes, NODES)
})

test('nodes that cannot start end, and say why', async () => {
    edge.env.KIBA_TLS_CERT = edge.env.KIBA_TLS_KEY
    await assert.rejects(edge.launch(), /the edge ended/)
    assert.equal(await edge.exited, 1)
    assert.match(edge.output(), /a node ended/)
})
