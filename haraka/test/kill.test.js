'use strict'

// The whole edge, killed again and again while it takes and sends mail; a receiver that keeps all that it took.

const assert = require('node:assert/strict')
const { randomInt } = require('node:crypto')
const { afterEach, beforeEach, test } = require('node:test')

const { DOMAIN, Edge } = require('./support/edge')
const { waitFor } = require('./support/wait')
const { resultsOf } = require('./support/worker')

const MAILS = 25
const KILLS = 3

let edge

beforeEach(async () => {
    edge = await Edge.start({ KIBA_RETRY_SCHEDULE: '1s*60' })
})
afterEach(() => edge.stop())

/** A worker that submits its mails again, in a new batch, until each has an answer. */
function handOver(mails) {
    let open = mails
    return waitFor(async () => {
        const answer = await edge.handOver(open).catch(() => '')
        const results = answer.startsWith('250') ? resultsOf(answer) : open.map(() => '')
        assert.ok(
            results.every((result) => /^(queued .*|duplicate .*|)$/.test(result)),
            answer,
        )
        open = open.filter((_, i) => results[i] === '')
        return open.length === 0
    }, 'the mails to be taken')
}

/** A program that submits its mail again until it hears 250. */
function submit(recipient) {
    const mail = { from: `shop@${DOMAIN}`, to: recipient, subject: 'Receipt', text: 'Paid' }
    const transport = edge.team()
    return waitFor(() => transport.sendMail(mail).catch(() => null), `the mail to ${recipient} to be taken`)
}

/** Kills the edge at moments of no one's choice while each of `workers` does `work(worker, round)` over and over. */
async function killDuring(workers, work) {
    let isOver = false
    const working = Array.from({ length: workers }, async (_, worker) => {
        for (let round = 0; !isOver; round++) await work(worker, round)
    })
    const killing = async () => {
        for (let kills = 0; kills < KILLS; kills++) {
            const received = edge.mailbox.mails.length + randomInt(1, 40)
            await waitFor(() => edge.mailbox.mails.length >= received, 'some mails')
            await edge.kill()
            await edge.launch()
        }
        isOver = true
    }
    await Promise.all([...working, killing()])
}

const toldOf = ({ messageId }) =>
    edge.webhook.events.filter(({ message_id: id }) => id === messageId).map(({ type }) => type)

const isSettled = (mail) => toldOf(mail).some((type) => type === 'delivered' || type === 'unknown')

test('no mail of a broadcast is lost or sent twice; of those in flight it says that it does not know', async () => {
    const mails = []
    await killDuring(4, async (worker, round) => {
        const batch = Array.from({ length: MAILS }, (_, i) =>
            edge.mail({ recipient: `reader${worker}.${round}.${i}@mailbox${i % 5}.example` }),
        )
        mails.push(...batch)
        // Some are deferred first, so that the queue has its share.
        for (const { recipient } of batch.filter((_, i) => i % 10 === 0)) {
            edge.mailbox.answer(recipient, (attempt) => attempt === 1 && [451, '4.7.1 later'])
        }
        await handOver(batch)
        // The next batch only then: the edge takes mails far faster than it sends them.
        await waitFor(
            () => batch.every((mail) => toldOf(mail).length > 0),
            'an attempt for each of the batch',
        )
    })
    for (const mail of mails) {
        await waitFor(() => isSettled(mail), `the end of the mail to ${mail.recipient}`)
        const received = edge.mailbox.mailsTo(mail.recipient).length
        assert.ok(received <= 1, `${mail.recipient} got ${received}`)
        if (received === 0) assert.ok(toldOf(mail).includes('unknown'), `${mail.recipient} got none`)
    }
})

test('no submitted mail that was answered 250 is lost', async () => {
    const recipients = []
    await killDuring(4, async (worker, round) => {
        const recipient = `buyer${worker}.${round}@shop${round % 5}.example`
        recipients.push(recipient)
        await submit(recipient)
    })
    for (const recipient of recipients) {
        await edge.mailbox.mailTo(recipient)
        await edge.webhook.event({ type: 'accepted', recipient })
        await edge.webhook.event({ type: 'delivered', recipient })
    }
})
