'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, test } = require('node:test')

const names = require('../plugins/lib/names')
const { sha256 } = require('../plugins/lib/records')
const { DOMAIN, Edge, TEAM } = require('./support/edge')
const { SmtpClient } = require('./support/smtp')
const { waitFor } = require('./support/wait')

const MAIL = { from: `ann@${DOMAIN}`, to: 'bob@mailbox.example', subject: 'Hi', text: 'Hello' }
const FAILURES = names.loginFailuresKey('127.0.0.1')
const TEAM_FAILURES = names.loginFailuresKey(`team-${TEAM.id}`)
const KNOWN = names.loginKnownKey(TEAM.id, '127.0.0.1')
const LOCK = names.loginLockKey('127.0.0.1')
const TEAM_LOCK = names.loginLockKey(`team-${TEAM.id}`)
const MAX_FAILURES = 50
const MAX_TEAM_FAILURES = 60
const LIMITS = {
    KIBA_MAX_LOGIN_FAILURES: MAX_FAILURES,
    KIBA_MAX_TEAM_LOGIN_FAILURES: MAX_TEAM_FAILURES,
    KIBA_LOGIN_FAILURE_WINDOW: 600,
}
let edge

before(async () => {
    edge = await Edge.start(LIMITS)
})
after(() => edge.stop())

describe('a team submits', { concurrency: true }, () => {
    const WAYS = {
        'over STARTTLS': () => ({}),
        'over TLS from the start': () => ({ port: edge.ports.smtps, secure: true }),
        'by AUTH LOGIN': () => ({ authMethod: 'LOGIN' }),
        'with its id as the API shows it': () => ({ auth: { user: `team_${TEAM.id}`, pass: TEAM.apiKey } }),
    }
    for (const [way, options] of Object.entries(WAYS)) {
        test(way, async () => {
            const { response } = await edge.team(options()).sendMail(MAIL)
            assert.match(response, /^250 queued/)
        })
    }
})

// Each failure is answered a second later than the one before on its connection: side by side.
describe('a login is refused', { concurrency: true }, () => {
    const WRONG = {
        'with a wrong key': () => ({ user: '7', pass: 'wrong' }),
        'of another team': () => ({ user: '8', pass: TEAM.apiKey }),
        'of a user that is no team': () => ({ user: 'ann', pass: TEAM.apiKey }),
        'with the internal credential': () => ({ user: 'internal', pass: edge.secrets.INTERNAL_SECRET }),
    }
    for (const [what, credential] of Object.entries(WRONG)) {
        test(`${what}, in words that help`, async () => {
            const login = edge.team({ auth: credential() }).verify()
            await assert.rejects(login, { responseCode: 535, message: /team id.*API keys/ })
        })
    }

    test('of a team on the internal listener', async () => {
        const auth = { user: String(TEAM.id), pass: TEAM.apiKey }
        await assert.rejects(edge.team({ port: edge.ports.internal, auth }).verify(), { responseCode: 535 })
    })

    test('and the connection closed, after three failures', async () => {
        const client = await SmtpClient.connect(edge.ports.submission)
        for (let i = 0; i < 3; i++) {
            const reply = i === 0 ? await client.login('7', 'wrong') : await client.auth('7', 'wrong')
            assert.match(reply, /^535 5\.7\.8 /)
        }
        assert.match(await client.auth('7', TEAM.apiKey), /^421 4\.7\.0 Too many failed logins/)
        assert.equal(await client.reply(), '')
    })
})

const fail = () => assert.rejects(edge.team({ auth: { user: '7', pass: 'wrong' } }).verify())
const forget = (...keys) => edge.redis.client.del(FAILURES, TEAM_FAILURES, LOCK, TEAM_LOCK, ...keys)

test('failed logins are counted over all connections, and forgotten in time', async () => {
    await forget()
    await Promise.all([fail(), fail()])
    assert.equal(await edge.redis.client.get(FAILURES), '2')
    assert.equal(await edge.redis.client.get(TEAM_FAILURES), '2')
    assert.ok((await edge.redis.client.ttl(FAILURES)) > 590)
})

test('an address with too many failed logins waits twice as long each time, with the right key too', async () => {
    for (const [failures, wait] of [
        [MAX_FAILURES + 3, 16],
        [MAX_FAILURES + 100, 600],
    ]) {
        await forget()
        await edge.redis.client.set(FAILURES, failures)
        await fail()
        assert.ok(Math.abs((await edge.redis.client.ttl(LOCK)) - wait) <= 2)
    }
    await assert.rejects(edge.team().verify(), { responseCode: 421, message: /try again in \d{3} s/ })
    const auth = { user: 'internal', pass: edge.secrets.INTERNAL_SECRET }
    assert.ok(await edge.team({ port: edge.ports.internal, auth }).verify(), 'the workers are not meant')
    await forget()
})

test('past the free failures many connections at once have one try', async () => {
    await forget()
    await edge.redis.client.set(FAILURES, MAX_FAILURES)
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => edge.team().verify()))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    await forget()
})

test('a team whose keys are guessed waits, but not where it has logged in from before', async () => {
    await forget(KNOWN)
    await edge.redis.client.set(TEAM_LOCK, 1, 'EX', 60)
    await assert.rejects(edge.team().verify(), {
        responseCode: 454,
        message: /of team 7.* try again in \d\d s/,
    })
    await edge.redis.client.del(TEAM_LOCK)
    assert.ok(await edge.team().verify())
    await edge.redis.client.set(TEAM_LOCK, 1, 'EX', 60)
    assert.ok(await edge.team().verify())
    await forget()
})

/** As the API writes Redis: not one that has lost its records. */
const recordsAreThere = () => edge.redis.client.set(names.EDGE_RECORDS_KEY, 1)

test('a revoked key ends its open connections, in the midst of a mail too', async () => {
    await recordsAreThere()
    const [idle, busy] = await Promise.all([1, 2].map(() => SmtpClient.connect(edge.ports.submission)))
    for (const client of [idle, busy]) assert.match(await client.login(TEAM.id, TEAM.apiKey), /^235 /)
    for (const line of [`MAIL FROM:<ann@${DOMAIN}>`, 'RCPT TO:<bob@mailbox.example>', 'DATA']) {
        await busy.send(line)
    }
    busy.write('From: ')
    await edge.redis.client.del(names.teamKey(TEAM.id))
    for (const client of [idle, busy]) assert.match(await client.reply(), /^421 4\.7\.0 .*revoked/)
    assert.equal(await idle.reply(), '')
    await edge.writeRecords()
})

/** How often the edge has asked whether Redis has its records. */
async function looks() {
    const stats = await edge.redis.client.info('commandstats')
    return Number(/cmdstat_exists:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

test('a Redis that has lost its records ends no connection', async () => {
    const client = await SmtpClient.connect(edge.ports.submission)
    await client.login(TEAM.id, TEAM.apiKey)
    await edge.redis.client.del(names.EDGE_RECORDS_KEY, names.teamKey(TEAM.id))
    const before = await looks()
    await waitFor(async () => (await looks()) >= before + 2, 'a look at open logins')
    assert.match(await client.send('NOOP'), /^250/)
    client.end()
    await edge.writeRecords()
    await recordsAreThere()
})

test('when a key was used is noted for the API', async () => {
    await edge.team().verify()
    const seconds = await waitFor(() => edge.redis.client.hget(names.KEY_USES_KEY, '70'), 'the use of a key')
    assert.ok(Math.abs(Date.now() / 1000 - seconds) < 60)
})

test('a key that has expired ends its open connections, and is refused at the next login', async () => {
    await recordsAreThere()
    const client = await SmtpClient.connect(edge.ports.submission)
    assert.match(await client.login(TEAM.id, TEAM.apiKey), /^235 /)
    const field = `key:${sha256(TEAM.apiKey).toString('hex')}`
    const expires = (seconds) =>
        edge.redis.client.hset(
            names.teamKey(TEAM.id),
            field,
            `70 expires:${Math.floor(Date.now() / 1000) + seconds}`,
        )
    await expires(0)
    assert.match(await client.reply(), /^421 4\.7\.0 .*expired/)
    await assert.rejects(edge.team().verify(), { responseCode: 535 })
    await expires(3600)
    assert.ok(await edge.team().verify())
    await edge.writeRecords()
})

test('a revoked key is refused at the next login', async () => {
    await edge.redis.client.del(names.teamKey(TEAM.id))
    await assert.rejects(edge.team().verify(), { responseCode: 535 })
    await edge.writeRecords()
    assert.ok(await edge.team().verify())
})

for (const listener of ['submission', 'internal']) {
    test(`without TLS the ${listener} listener offers no AUTH and takes none`, async () => {
        const client = await SmtpClient.connect(edge.ports[listener])
        assert.doesNotMatch(await client.send('EHLO client.example'), /AUTH/)
        assert.match(await client.auth('7', TEAM.apiKey), /^538 5\.7\.11 .*STARTTLS/)
        client.end()
    })

    test(`without AUTH the ${listener} listener takes no mail`, async () => {
        const client = await SmtpClient.connect(edge.ports[listener])
        await client.send('EHLO client.example')
        assert.match(await client.send('MAIL FROM:<a@b.example>'), /^530 5\.7\.0 Authentication required/)
        client.end()
    })
}

test('the inbound listener knows no AUTH, with TLS or without', async () => {
    const client = await SmtpClient.connect(edge.ports.inbound)
    assert.match(await client.send('EHLO client.example'), /STARTTLS/)
    assert.match(await client.login('7', TEAM.apiKey), /^500 /)
    client.end()
})
