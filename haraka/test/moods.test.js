'use strict'

// Servers of every mood, all limits tight: each mail has one outcome, and nothing is left behind.

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')

const { Dice } = require('./support/dice')
const { DnsServer } = require('./support/dns_server')
const { SOURCE, TestLanes } = require('./support/lanes')
const { SILENCE, SmtpServer } = require('./support/smtp_server')
const { waitFor } = require('./support/wait')

const DOMAINS = 30
const MAILS = 1500

let dns
let server

before(async () => {
    dns = await new DnsServer().start()
    server = await new SmtpServer().start()
    for (let i = 0; i < DOMAINS; i++) {
        // Some share a provider, some a route, some have a server first that is not there.
        const host =
            i % 3 === 0 ? 'mx.shared.example' : `mx${i}.${i % 3 === 1 ? 'provider' : `own${i}`}.example`
        const addresses = i % 5 === 0 ? ['127.0.0.9', '127.0.0.1'] : ['127.0.0.1']
        dns.domain(`d${i}.example`, addresses, { host })
    }
    dns.zones.set('lame.example MX', { rcode: 2 })
})
after(async () => {
    await server.stop()
    await dns.stop()
})

/** Now and then a server closes, refuses, talks nonsense, or is gone. */
function moody(dice, taken) {
    const act = (connection) => {
        const mood = dice.roll(150)
        if (mood === 0) connection.socket.destroy()
        if (mood === 1) connection.socket.resetAndDestroy()
        if (mood <= 1) return SILENCE
        return ['421 4.7.0 enough', '451 4.3.0 later', '550 5.1.1 no', 'what?'][mood - 2]
    }
    const dot = (connection) => {
        const reply = act(connection)
        if (reply === undefined) taken.push(/^X-Id: (.*)$/m.exec(connection.texts.at(-1))[1])
        return reply
    }
    return { GREETING: act, EHLO: act, MAIL: act, RCPT: act, DATA: act, RSET: act, DOT: dot }
}

/** A lane is paused, drained or let go now and then. */
function control(lanes, dice) {
    const shapers = [...lanes.shapers.values()]
    if (shapers.length === 0) return
    const shaper = dice.one(shapers)
    Object.assign(
        shaper,
        dice.one([{ isPaused: true }, { diverts: true }, { isPaused: false, diverts: false }]),
    )
    shaper.onChange()
}

function letGo(lanes) {
    for (const shaper of lanes.shapers.values()) {
        Object.assign(shaper, { isPaused: false, diverts: false })
        shaper.onChange()
    }
}

async function sendAll(lanes, dice) {
    const outcomes = new Map() // id → all that came of it
    const fail = async () => {
        throw new Error('no')
    }
    for (let i = 0; i < MAILS; i++) {
        const id = `${i}`
        const domain = dice.roll(50) === 0 ? 'lame.example' : `d${dice.roll(DOMAINS)}.example`
        const recipients = Array.from({ length: 1 + dice.roll(3) }, (_, n) => `r${n}@${domain}`)
        outcomes.set(id, [])
        lanes
            .send(recipients, {
                teamId: dice.roll(3),
                content: dice.roll(100) === 0 ? fail : async () => [Buffer.from(`X-Id: ${id}\r\n\r\n.\r\n`)],
                intend: dice.roll(100) === 0 ? fail : async () => {},
                done: (outcome) => outcomes.get(id).push(outcome),
            })
            .catch(assert.fail)
        if (dice.roll(20) === 0) control(lanes, dice)
        if (dice.roll(10) === 0) await new Promise(setImmediate)
    }
    letGo(lanes)
    await waitFor(() => {
        letGo(lanes)
        return [...outcomes.values()].every(({ length }) => length > 0)
    }, 'an outcome of each mail')
    return outcomes
}

for (const seed of [1, 2, 3]) {
    test(`servers of every mood, seed ${seed}: each mail has one outcome, and it is true`, async () => {
        const dice = new Dice(seed)
        const taken = []
        server.replies = moody(dice, taken)
        server.extensions = dice.roll(2) ? ['PIPELINING', '8BITMIME', 'SMTPUTF8'] : ['8BITMIME']
        const sources = ['one', 'two'].map((name) => ({ ...SOURCE, name }))
        const lanes = new TestLanes({ dns, port: server.port, connections: 6, sources })
        lanes.limit(2)
        const outcomes = await sendAll(lanes, dice)

        const kindsOf = (id) => outcomes.get(id).flatMap(({ results }) => results.map(({ kind }) => kind))
        for (const [id, all] of outcomes) {
            assert.equal(all.length, 1, `mail ${id} has ${all.length} outcomes`)
            const times = taken.filter((other) => other === id).length
            const kinds = kindsOf(id)
            if (kinds.includes('delivered')) assert.equal(times, 1, `mail ${id} was taken ${times} times`)
            else if (!kinds.includes('unknown'))
                assert.equal(times, 0, `mail ${id} was taken, but is ${kinds}`)
        }
        assert.ok(taken.length > MAILS / 2, `${taken.length} were taken`)
        await waitFor(() => lanes.lanes.counts.inFlight === 0, 'nothing under way')
        assert.equal(lanes.lanes.counts.waiting, 0)
        assert.deepEqual(await lanes.close(), [])
        assert.equal(lanes.lanes.counts.connections, 0)
        await waitFor(() => server.open.length === 0, 'the end of all connections')
    })
}
