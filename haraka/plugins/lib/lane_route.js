'use strict'

// One route in a lane: mail that waits for it, and its connections.

const { FairQueue } = require('./fair_queue')

class LaneRoute {
    queue = new FairQueue()
    /** Connections without a mail under way, the one used last at the end. */
    idle = []
    /** Connections that take mail, and those that are asked for or connecting. */
    open = 0
    /** Of those: connections that do not stand yet. */
    pending = 0
    /** Teams that have a ticket. */
    ticketed = new Set()
    /** Whether it has a ticket for its first connection. */
    isStarving = false
    /** Whether the last try of a connection failed, and none has stood since. */
    hasFailed = false
    /** Whose mail came last. */
    whose = null

    /** @param {import('./routes').Route} route */
    constructor(route) {
        this.route = route
    }

    /** Whether another connection is of use. At first one is tried; then as many at a time as stand. */
    get wantsConnection() {
        const standing = this.open - this.pending
        return this.queue.size > this.pending && this.pending <= standing
    }

    /** A copy: the mail itself must not outlive its delivery. */
    waitsFor({ stream, teamId, flow }) {
        if (this.whose?.teamId !== teamId) this.whose = { stream, teamId, flow }
    }

    get isQuiet() {
        return this.open === 0 && this.queue.size === 0
    }
}

/** Asks for a connection on behalf of a team. */
class Ticket {
    static #COST = [null]
    /** A fair queue counts them. */
    recipients = Ticket.#COST

    /**
     * @param {import('./lane').Lane} lane
     * @param {LaneRoute} laneRoute
     * @param {{stream: string, teamId: number, flow: string}} whose
     * @param {boolean} isStarving whether the route has no connection at all
     */
    constructor(lane, laneRoute, { stream, teamId, flow }, isStarving) {
        Object.assign(this, { lane, laneRoute, stream, teamId, flow, isStarving })
    }

    /** Whether it still is: mail may have been sent or taken back meanwhile. */
    isWanted() {
        return !this.lane.isClosed && this.laneRoute.queue.size > 0
    }

    open() {
        this.lane.connect(this)
    }

    drop() {
        this.lane.notWanted(this)
    }
}

module.exports = { LaneRoute, Ticket }
