'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const { DOMAIN, Edge } = require('./support/edge')
const { silentServer } = require('./support/silent_server')
const { waitFor } = require('./support/wait')

let edge

before(async () => {
    edge = await Edge.start({
        KIBA_BROADCAST_IN_DOUBT: 'never-lost',
        KIBA_TRANSACTIONAL_IN_DOUBT: 'never-twice',
    })
})
after(() => edge.stop())

test('by other policies a broadcast is sent again, and who submitted a mail is told that it is not', async () => {
    const server = await silentServer(edge.mailbox, 'silent.example')
    const { messageId } = await edge.send('ann@silent.example')
    await edge
        .team()
        .sendMail({ from: `hi@${DOMAIN}`, to: 'bob@silent.example', subject: 'Hi', text: 'Hello' })
    await waitFor(() => server.received === 2, 'both texts')
    await edge.kill()
    await edge.launch()
    await edge.webhook.event({ type: 'unknown', recipient: 'bob@silent.example' })
    const { raw } = await edge.mailbox.mailTo(`hi@${DOMAIN}`)
    assert.match(raw.toString(), /it may have arrived[^]*Status: 5\.4\.2/)
    await waitFor(() => server.received === 3, "the broadcast's text again")
    server.answer()
    await edge.webhook.event({ type: 'delivered', message_id: messageId })
})
