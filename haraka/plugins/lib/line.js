'use strict'

// Who waits for a connection. First those that have none at all; among them, and among the others, in a fair order.

const { FairQueue } = require('./fair_queue')

class Line {
    #starving = new FairQueue()
    #others = new FairQueue()

    get size() {
        return this.#starving.size + this.#others.size
    }

    /** How many have no connection at all. */
    get starving() {
        return this.#starving.size
    }

    /** @param {import('./lane_route').Ticket} ticket */
    push(ticket) {
        if (ticket.isStarving) this.#starving.push(ticket)
        else this.#others.push(ticket)
    }

    /** @returns {import('./lane_route').Ticket | undefined} */
    shift() {
        return this.#starving.shift() ?? this.#others.shift()
    }
}

module.exports = { Line }
