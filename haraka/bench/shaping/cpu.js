'use strict'

// What shaper and queue cost a mail, making the job included: all is as it is but connections.

const { Budgets } = require('../../plugins/lib/budgets')
const { FairQueue } = require('../../plugins/lib/fair_queue')
const { Policies } = require('../../plugins/lib/policies')
const { Shaper } = require('../../plugins/lib/shaping')

const MAILS = 200_000
const WAITING = 20_000
const TEAMS = 100
const TAKEN = { code: 250, enhanced: '2.0.0', text: 'OK', step: 'dot' }
const PLENTY = { '*': { per_minute: 10_000_000, connections: 100, mails_per_connection: 1_000_000 } }

/** @returns {Promise<{mails: number, microseconds: number, leases: number}>} CPU of user and system */
async function measureCpu(redis) {
    const budgets = new Budgets({ redis, edge: 'cpu' })
    await budgets.start()
    const budget = budgets.of('engage-1', 'sink.example')
    budget.limits = new Policies(PLENTY).limitsOf('engage-1', 'sink.example', '2026-11-24')
    const shaper = new Shaper({ budget })
    const queue = new FairQueue()
    let leases = 0
    const lease = budget.lease
    budget.lease = (...args) => {
        leases++
        return lease.apply(budget, args)
    }

    await send(shaper, queue, MAILS / 10)
    leases = 0
    const before = process.cpuUsage()
    await send(shaper, queue, MAILS)
    const { user, system } = process.cpuUsage(before)
    shaper.close()
    await budgets.close()
    return { mails: MAILS, microseconds: Number(((user + system) / MAILS).toFixed(2)), leases }
}

async function send(shaper, queue, mails) {
    let pushed = 0
    let sent = 0
    while (sent < mails) {
        for (; pushed < mails && queue.size < WAITING; pushed++) queue.push(job(pushed))
        const wait = shaper.canConnect(0, 0, queue.size) || shaper.canSend(queue.size)
        if (wait > 0) await changeOrTimeout(shaper, wait)
        else sent += sendForAMoment(shaper, queue)
    }
}

/** As much as between two turns of the event loop. */
function sendForAMoment(shaper, queue) {
    let sent = 0
    while (sent < 1000 && queue.size > 0 && shaper.canSend(queue.size) === 0) {
        queue.shift()
        shaper.began()
        shaper.answered(TAKEN)
        shaper.ended()
        sent++
    }
    return sent
}

function changeOrTimeout(shaper, ms) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, 1000))
        shaper.onChange = () => {
            clearTimeout(timer)
            resolve()
        }
    })
}

const job = (i) => ({
    teamId: i % TEAMS,
    flow: `b${i % 3}`,
    stream: i % 10 ? 'broadcast' : 'transactional',
    recipients: ['ann@mailbox.example'],
})

module.exports = { measureCpu }
