'use strict'

// Several edges with several sources' lanes to simulated providers, on a virtual clock, their budgets shared through a
// real Redis.

const { Budgets } = require('../../plugins/lib/budgets')
const { Policies } = require('../../plugins/lib/policies')
const { Shaper } = require('../../plugins/lib/shaping')
const { SimulatedLane } = require('./lane')
const { Provider } = require('./provider')
const { VirtualClock } = require('./virtual_clock')

const START = Date.UTC(2026, 10, 24, 9)
const MINUTE_MS = 60_000
const SOURCE = 'engage-1'
// Deferred mails are tried again, as the slow tail does.
const RETRY_MS = 5 * MINUTE_MS

/** Mulberry32: the same numbers each time, from 0 to 1. */
function randomNumbers(seed) {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
}

class Simulation {
    clock = new VirtualClock(START)
    lanes = new Map() // `<edge>|<provider>` → lane
    changes = [] // of what the live view says of the first edge: {minute, provider, words}
    #said = new Map()
    #random = randomNumbers(4)

    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis empty
     * @param {number} options.edges
     * @param {object[]} options.providers see `Provider`; their limits are our policies
     */
    constructor({ redis, edges, providers }) {
        this.redis = redis
        this.providers = providers.map((provider) => new Provider(provider, this.clock, this.#random))
        this.edges = Array.from({ length: edges }, (_, i) => `edge-${i + 1}`)
        const policies = new Policies(Object.fromEntries(providers.map((it) => [it.name, policyOf(it)])))
        for (const edge of this.edges) this.#makeLanes(edge, policies)
    }

    /** @param {{edge: string, provider: string, teamId: number, flow: string, stream: string, count: number}} load */
    send({ edge, provider, count, ...job }) {
        const lane = this.lanes.get(`${edge}|${provider}`)
        const jobs = []
        for (let i = 0; i < count; i++) {
            jobs.push({
                ...job,
                recipients: ['ann@mailbox.example'],
                pushedAt: this.clock.now(),
                beganAt: null,
            })
            lane.push(jobs.at(-1))
        }
        lane.pump()
        return jobs
    }

    /** Calls `act` when so much time has passed. */
    at(ms, act) {
        this.clock.after(START + ms - this.clock.now(), act)
    }

    run(ms) {
        return this.clock.run(START + ms)
    }

    #makeLanes(edge, policies) {
        const redis = heldBy(this.clock, this.redis)
        const budgets = new Budgets({
            redis,
            edge,
            clock: this.clock,
            time: () => Math.round(this.clock.now() * 1000),
        })
        budgets.start()
        for (const provider of this.providers) {
            const budget = budgets.of(SOURCE, provider.name)
            budget.limits = policies.limitsOf(SOURCE, provider.name, '2026-11-24')
            const shaper = new Shaper({ budget, clock: this.clock })
            const lane = new SimulatedLane({
                shaper,
                provider,
                clock: this.clock,
                done: (job, reply) => reply.code !== 250 && this.#retry(lane, job),
            })
            this.lanes.set(`${edge}|${provider.name}`, lane)
            if (edge === this.edges[0]) this.clock.every(1000, () => this.#listen(provider, shaper))
        }
    }

    #retry(lane, job) {
        this.clock.after(RETRY_MS, () => {
            lane.push(job)
            lane.pump()
        })
    }

    /** What people would read; while it recovers only that it does. */
    #listen(provider, shaper) {
        const reason = shaper.state().back_off?.reason ?? 'all is well'
        const words = reason.replace(/, at \d+ % of the limits/, '')
        if (words === (this.#said.get(provider) ?? 'all is well')) return
        this.#said.set(provider, words)
        this.changes.push({ minute: (this.clock.now() - START) / MINUTE_MS, provider: provider.name, words })
    }
}

/** The connection to Redis, for whose answers the clock waits. */
function heldBy(clock, redis) {
    return {
        defineCommand: (name, definition) => redis.defineCommand(name, definition),
        leaseLanes: (...args) => clock.hold(redis.leaseLanes(...args)),
    }
}

const policyOf = ({ perMinute, connections, mailsPerConnection }) => ({
    per_minute: perMinute,
    connections,
    mails_per_connection: mailsPerConnection,
})

module.exports = { Simulation, MINUTE_MS }
