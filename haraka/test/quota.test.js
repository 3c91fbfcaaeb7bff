'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Quota } = require('../plugins/lib/quota')

const LARGE_TEAM = 1
const mails = (count) => ({ mails: count, bytes: count * 1000 })
const ofMails = (count) => new Quota(mails(count))

/** Takes portions for a team until it is refused; returns how many mails it has then. */
function fill(quota, teamId, portion) {
    let taken = 0
    while (quota.refusal(teamId, mails(portion)) === null) {
        quota.add(teamId, mails(portion))
        taken += portion
    }
    return taken
}

test('one team may have all of the limit, and no more', () => {
    const quota = ofMails(50_000)
    assert.equal(fill(quota, LARGE_TEAM, 500), 50_000)
    assert.match(
        quota.refusal(LARGE_TEAM, mails(500)),
        /^The spool is full: 50000 mails, 50000000 bytes; try again/,
    )
})

test('ten mails of another team get in while a hundred thousand fill the spool', () => {
    const quota = ofMails(50_000)
    fill(quota, LARGE_TEAM, 500)
    assert.equal(quota.refusal(2, mails(10)), null)
    assert.equal(quota.refusal(2, mails(500)), null)
})

test('the reserve is for many small teams, and has an end', () => {
    const quota = ofMails(50_000)
    fill(quota, LARGE_TEAM, 500)
    let small = 0
    for (let team = 2; team <= 40; team++) small += fill(quota, team, 100)
    assert.equal(small, 12_500)
    assert.deepEqual(quota.total, mails(62_500))
})

test('a team that is not small any more waits like the large one', () => {
    const quota = ofMails(50_000)
    fill(quota, LARGE_TEAM, 500)
    assert.equal(fill(quota, 2, 100), 1000)
})

test('bytes are bounded as mails are', () => {
    const quota = new Quota({ mails: 1_000_000, bytes: 100_000 })
    quota.add(1, { mails: 10, bytes: 100_000 })
    assert.notEqual(quota.refusal(1, { mails: 1, bytes: 1 }), null)
    assert.equal(quota.refusal(2, { mails: 1, bytes: 2000 }), null)
    assert.notEqual(quota.refusal(2, { mails: 1, bytes: 2001 }), null)
})

test('what is over makes room', () => {
    const quota = ofMails(1000)
    fill(quota, LARGE_TEAM, 500)
    quota.remove(LARGE_TEAM, mails(500))
    assert.equal(quota.refusal(LARGE_TEAM, mails(500)), null)
    quota.remove(LARGE_TEAM, mails(500))
    assert.deepEqual(quota.total, mails(0))
})

test('a batch above the limit may come alone', () => {
    const quota = ofMails(100)
    assert.equal(quota.refusal(1, mails(500)), null)
    quota.add(1, mails(500))
    assert.notEqual(quota.refusal(1, mails(1)), null)
})
