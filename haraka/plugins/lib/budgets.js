'use strict'

// Budgets of lanes that all edges share through Redis: each edge leases what it needs for the next moment, for all
// its lanes that have traffic in one script call. What an edge held when it died comes back LEASE_MS later.
//
// While Redis is away each edge takes an equal share of each limit by itself: where all edges are in the same plight
// that makes the limit. Under a ceiling of the day, which nobody can count then, nothing is sent.

const fs = require('node:fs')
const path = require('node:path')

const { systemClock } = require('./clock')
const { LaneBudget, intervalOf } = require('./lane_budget')
const log = require('./log')
const names = require('./names')

const LEASE_MS = 3000
// So far ahead slots are leased, by all edges together.
const HORIZON_MS = 500
// Whoever holds something is heard of so often; while Redis is away it is tried so often.
const RENEW_MS = 1000
// Lanes that ask within so long after a call share the next one.
const CALL_EVERY_MS = 5
const LANES_A_CALL = 200
// An edge that never heard of the others takes them for so many.
const UNKNOWN_FLEET = 4
const FIELDS = 6 // of a lane in the script's answer

const SCRIPT = fs.readFileSync(path.join(__dirname, 'lease.lua'), 'utf8')

class Budgets {
    #held = new Set()
    #asking = new Set()
    #calledAt = 0
    #stopRenewing = () => {}
    #fleet = UNKNOWN_FLEET
    #awaySince = null
    #tryAt = 0
    #aloneNext = new WeakMap() // budget → instant of its next slot without Redis

    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis
     * @param {string} options.edge a name that no other process has
     * @param {import('./clock').Clock} [options.clock]
     * @param {() => number} [options.time] microseconds, in the place of Redis's time: for simulations
     */
    constructor({ redis, edge, clock = systemClock, time = () => '' }) {
        Object.assign(this, { redis, edge, clock, time })
        redis.defineCommand('leaseLanes', { lua: SCRIPT })
    }

    /** Makes this edge known to the others. */
    start() {
        this.#stopRenewing = this.clock.every(RENEW_MS, () => this.#renew())
        return this.#call([])
    }

    /** Gives back what is held, once the lanes have released it. */
    async close() {
        this.#stopRenewing()
        await Promise.all(chunks([...this.#held]).map((budgets) => this.#call(budgets)))
        await this.#call([], { leaves: true })
    }

    /** @returns {LaneBudget} */
    of(source, provider) {
        return new LaneBudget(source, provider, (budget) => this.#ask(budget))
    }

    /** @returns {string | null} what holds lanes back, for people */
    get trouble() {
        if (this.#awaySince === null) return null
        return `Redis is away: this edge keeps to a share of each limit, 1 of ${this.#fleet}, and under a ceiling waits`
    }

    #ask(budget) {
        this.#held.add(budget)
        this.#asking.add(budget)
        if (this.#asking.size > 1) return
        const wait = this.#calledAt + CALL_EVERY_MS - this.clock.now()
        if (wait > 0) this.clock.after(wait, () => this.#callForAll())
        else queueMicrotask(() => this.#callForAll())
    }

    #callForAll() {
        this.#calledAt = this.clock.now()
        const asking = chunks([...this.#asking])
        this.#asking.clear()
        for (const budgets of asking) this.#call(budgets)
    }

    #renew() {
        this.#call([])
        for (const budget of this.#held) {
            if (budget.rests) this.#held.delete(budget)
            else budget.renew()
        }
    }

    async #call(budgets, { leaves = false } = {}) {
        const now = this.clock.now()
        if (now < this.#tryAt) return this.#leaseAlone(budgets)
        const lanes = budgets.flatMap((budget) => argumentsFor(budget.limits, budget.demand(now)))
        const keys = budgets.flatMap((budget) => this.#keysOf(budget))
        const head = [this.edge, this.time(), LEASE_MS * 1000, HORIZON_MS * 1000, leaves ? 1 : 0]
        let answer
        try {
            answer = await this.redis.leaseLanes(
                keys.length + 1,
                names.LIVE_EDGES_KEY,
                ...keys,
                ...head,
                ...lanes,
            )
        } catch (err) {
            this.#redisIsAway(err)
            return this.#leaseAlone(budgets)
        }
        this.#redisIsThere()
        this.#fleet = Math.max(1, answer[0])
        const then = this.clock.now()
        budgets.forEach((budget, i) =>
            budget.lease(leaseOf(budget, answer.slice(1 + i * FIELDS), then), then),
        )
    }

    #keysOf({ source, provider, limits }) {
        const day = new Date(this.clock.date()).toISOString().slice(0, 10).replaceAll('-', '')
        return [
            names.laneBudgetKey(source, provider),
            names.laneUsedKey(source, limits.ceiling?.counter ?? provider, day),
        ]
    }

    #leaseAlone(budgets) {
        const now = this.clock.now()
        for (const budget of budgets) {
            budget.lease(this.#shareOf(budget, budget.demand(now), now), now)
        }
    }

    #shareOf(budget, demand, now) {
        const { limits, counted } = budget
        const connections = Math.max(1, Math.floor(limits.connections / this.#fleet))
        const none = { slots: 0, first: now, every: 1, connections, counted, retry: 0 }
        if (limits.ceiling) return { ...none, retry: RENEW_MS }
        if (demand.slots === 0) return none
        const every = intervalOf(limits.perMinute) * this.#fleet
        const first = Math.max(now, this.#aloneNext.get(budget) ?? now + every)
        const slots = Math.min(demand.slots, Math.floor((now + HORIZON_MS - first) / every) + 1)
        if (slots <= 0) return { ...none, retry: first - now - HORIZON_MS }
        this.#aloneNext.set(budget, first + slots * every)
        return { ...none, slots, first, every }
    }

    #redisIsAway(err) {
        this.#tryAt = this.clock.now() + RENEW_MS
        if (this.#awaySince !== null) return
        this.#awaySince = this.clock.now()
        log.error('lane limits are not shared while Redis is away', {
            fleet: this.#fleet,
            reason: err.message,
        })
    }

    #redisIsThere() {
        if (this.#awaySince === null) return
        const seconds = Math.round((this.clock.now() - this.#awaySince) / 1000)
        this.#awaySince = null
        log.info('lane limits are shared again', { after_seconds: seconds })
    }
}

/** What goes into one call each. */
function chunks(budgets) {
    const count = Math.ceil(budgets.length / LANES_A_CALL)
    return Array.from({ length: count }, (_, i) => budgets.slice(i * LANES_A_CALL, (i + 1) * LANES_A_CALL))
}

/** For a lane, in the script's order. */
function argumentsFor({ perMinute, connections, ceiling }, demand) {
    const interval = (intervalOf(perMinute) * 1000).toFixed(3)
    const { slots, open, connections: wanted, counted, unused } = demand
    const { leased, returned } = counted ?? { leased: 0, returned: 0 }
    return [interval, slots, connections, open, wanted, ceiling?.mails ?? -1, leased, returned, unused]
}

/** Of a lane's part of the script's answer. */
function leaseOf(budget, [slots, microseconds, connections, leased, returned, retry], now) {
    return {
        slots,
        first: now + microseconds / 1000,
        every: intervalOf(budget.limits.perMinute),
        connections,
        counted: leased >= 0 ? { leased, returned } : null,
        retry,
    }
}

module.exports = { Budgets }
