'use strict'

// The shapers of this edge's lanes, with what they share: budgets, limits, controls; and this edge's sources.

const { Budgets } = require('./budgets')
const { systemClock } = require('./clock')
const { Controls } = require('./controls')
const { LaneRecords } = require('./lane_records')
const { Policies } = require('./policies')
const { Shaper } = require('./shaping')
const { sourcesOf } = require('./sources')

const TIDY_EVERY_MS = 1000

class Shapers {
    #lanes = new Map() // `<source>|<provider>` → {source, provider, shaper, closed}
    #policies = new Policies()
    #controls = new Controls()
    #sources
    #day
    #stopTidying = () => {}

    /** Set by the owner: sources, policies or controls have changed. */
    onChange = () => {}

    /**
     * @param {object} options
     * @param {import('ioredis').Redis} options.redis
     * @param {string} options.edge its name; sources may be bound to it
     * @param {string} [options.process] a name that no other process has, where several share the edge's name
     * @param {string} options.hostname
     * @param {import('./clock').Clock} [options.clock]
     * @param {() => number} [options.time] see `Budgets`
     */
    constructor({ redis, edge, process = edge, hostname, clock = systemClock, time }) {
        Object.assign(this, { edge, hostname, clock })
        this.budgets = new Budgets({ redis, edge: process, clock, time })
        this.records = new LaneRecords({ redis, clock })
        this.records.onChange = (records) => this.#take(records)
        this.#sources = sourcesOf({}, edge, hostname)
        this.#day = dayOf(clock.date())
    }

    /** Resolves when the records have been read, or Redis is known to be away. */
    async start() {
        this.#stopTidying = this.clock.every(TIDY_EVERY_MS, () => this.#tidy())
        await Promise.all([this.records.start(), this.budgets.start()])
    }

    /** To be called when the lanes are closed. */
    async close() {
        this.#stopTidying()
        this.records.close()
        await this.budgets.close()
    }

    /** @returns {import('./lanes').Source[]} those of this edge at present; a change is a new array */
    get sources() {
        return this.#sources
    }

    /**
     * @param {string} source
     * @param {string} provider
     * @returns {Shaper} the lane's, until the lane closes it
     */
    of(source, provider) {
        const key = `${source}|${provider}`
        let lane = this.#lanes.get(key)
        if (!lane) {
            lane = { source, provider, shaper: this.#make(source, provider, key), closed: false }
            this.#lanes.set(key, lane)
        }
        lane.closed = false
        return lane.shaper
    }

    #make(source, provider, key) {
        const budget = this.budgets.of(source, provider)
        budget.limits = this.#policies.limitsOf(source, provider, this.#day)
        const shaper = new Shaper({
            budget,
            clock: this.clock,
            trouble: () => this.budgets.trouble,
            onClose: () => this.#closed(key, shaper),
        })
        shaper.control(this.#controls.of(source, provider))
        return shaper
    }

    /** A lane that goes while a provider complains must not come back as if nothing had been. */
    #closed(key, shaper) {
        const lane = this.#lanes.get(key)
        if (lane?.shaper !== shaper) return
        if (shaper.remembers) lane.closed = true
        else this.#lanes.delete(key)
    }

    #tidy() {
        for (const [key, { closed, shaper }] of this.#lanes) {
            if (closed && !shaper.remembers) this.#lanes.delete(key)
        }
        const day = dayOf(this.clock.date())
        if (day === this.#day) return
        this.#day = day
        this.#setLimits()
    }

    #take({ sources, policies, controls, warmups }) {
        this.#sources = sourcesOf(sources, this.edge, this.hostname)
        this.#policies = new Policies(policies, warmups)
        this.#controls = new Controls(controls)
        this.#setLimits()
        for (const { source, provider, shaper } of this.#lanes.values()) {
            shaper.control(this.#controls.of(source, provider))
        }
        this.onChange()
    }

    #setLimits() {
        for (const { source, provider, shaper } of this.#lanes.values()) {
            shaper.limit(this.#policies.limitsOf(source, provider, this.#day))
        }
    }
}

const dayOf = (now) => new Date(now).toISOString().slice(0, 10)

module.exports = { Shapers }
