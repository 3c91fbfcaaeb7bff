'use strict'

// What operators wrote into Redis about lanes: sources, policies, warm-up plans, controls.

const log = require('./log')
const names = require('./names')
const { Watched } = require('./watched')

class LaneRecords {
    #watched

    /** Set by the owner: called with {sources, policies, controls, warmups} at the first look and after changes. */
    onChange = () => {}

    /** @param {{redis: import('ioredis').Redis, clock: import('./clock').Clock}} options */
    constructor({ redis, clock }) {
        this.redis = redis
        this.#watched = new Watched({
            redis,
            clock,
            channel: names.LANES_CHANNEL,
            read: () => this.#read(),
            onChange: (found) => this.onChange(parse(found)),
        })
    }

    /** Resolves after the first look; where Redis is away nothing was read then. */
    start() {
        return this.#watched.start()
    }

    close() {
        this.#watched.close()
    }

    async #read() {
        const [sources, policies, controls] = await Promise.all([
            this.redis.hgetall(names.SOURCES_KEY),
            this.redis.hgetall(names.LANE_POLICIES_KEY),
            this.redis.hgetall(names.LANE_CONTROLS_KEY),
        ])
        const plans = await Promise.all(
            Object.keys(sources).map(async (name) => [name, await this.redis.hgetall(names.warmupKey(name))]),
        )
        return { sources, policies, controls, warmups: Object.fromEntries(plans) }
    }
}

function parse({ sources, policies, controls, warmups }) {
    const plans = Object.entries(warmups).map(([source, records]) => [source, parseAll(records)])
    return {
        sources: parseAll(sources),
        policies: parseAll(policies),
        controls: parseAll(controls),
        warmups: Object.fromEntries(plans),
    }
}

/** What is not JSON counts as not there. */
function parseAll(records) {
    const parsed = Object.entries(records).flatMap(([name, text]) => {
        try {
            return [[name, JSON.parse(text)]]
        } catch (err) {
            log.error('a record about lanes cannot be read; write it again', {
                record: name,
                reason: err.message,
            })
            return []
        }
    })
    return Object.fromEntries(parsed)
}

module.exports = { LaneRecords }
