'use strict'

// Broadcasts that are held back, as they stand in Redis (sidecars/edge/holds.py): broadcast id → {action, at}.
//
//   pause    none of its mails begins; what waits, waits
//   cancel   its mails are given up, but for those that have begun
//
// Who has to be asked is the lanes: nothing begins elsewhere. Until it is known what is held back, every broadcast is;
// and a Redis that has lost its data releases none.

const { systemClock } = require('./clock')
const log = require('./log')
const names = require('./names')
const { Watched } = require('./watched')

const ACTIONS = ['pause', 'cancel']

class Holds {
    #actions = null // broadcast id → action; null: not known yet
    #watched

    /** Set by the owner: called when it is known what is held back, and after changes. */
    onChange = () => {}

    /** @param {{redis: import('ioredis').Redis, clock?: import('./clock').Clock}} options */
    constructor({ redis, clock = systemClock }) {
        this.redis = redis
        this.#watched = new Watched({
            redis,
            clock,
            channel: names.BROADCASTS_CHANNEL,
            read: () => this.#read(),
            onChange: (found) => this.#take(found),
        })
    }

    /** Resolves after the first look; where Redis is away nothing is known then. */
    async start() {
        await this.#watched.start()
        if (!this.#actions)
            log.warning('it is not known which broadcasts are held back; none begins until it is')
    }

    close() {
        this.#watched.close()
    }

    /**
     * @param {number} broadcastId 0 for none
     * @returns {'pause' | 'cancel' | null} null: its mails may begin
     */
    of(broadcastId) {
        if (broadcastId === 0) return null
        return this.#actions ? (this.#actions.get(broadcastId) ?? null) : 'pause'
    }

    async #read() {
        const [[, records], [, isWhole]] = await this.redis
            .multi()
            .hgetall(names.BROADCASTS_HELD_KEY)
            .exists(names.EDGE_RECORDS_KEY)
            .exec()
        return { records, isWhole: isWhole === 1 }
    }

    #take({ records, isWhole }) {
        const found = Object.entries(records).map(([id, text]) => [Number(id), actionIn(id, text)])
        if (!this.#actions && isWhole) log.info('it is known which broadcasts are held back')
        if (isWhole) this.#actions = new Map(found)
        else if (this.#actions) this.#actions = new Map([...this.#actions, ...found])
        this.onChange()
    }
}

/** What cannot be understood holds back more than nothing, and loses no mail. */
function actionIn(id, text) {
    try {
        const { action } = JSON.parse(text)
        if (ACTIONS.includes(action)) return action
    } catch {
        // as for an action that we do not know
    }
    log.error('how a broadcast is held back cannot be read; it is paused', { broadcast_id: id, record: text })
    return 'pause'
}

module.exports = { Holds }
