'use strict'

// How many connections may be open in all lanes together. Who needs one more than there are waits in a fair line, and
// meanwhile the connections that have been idle longest are closed, the longest first: at once for who has none at all,
// and for who wants more of them those that have rested a while. A connection costs more than what it saves otherwise.

const { steadyNow } = require('./clock')
const { Line } = require('./line')

const RESTED_MS = 1000

class Slots {
    #used = 0
    #idle = new Set() // of connections, in the order in which they became idle
    #line = new Line()
    #closing = 0

    /**
     * @param {number} most
     * @param {() => void} onReleased called after each release
     */
    constructor(most, onReleased) {
        Object.assign(this, { most, onReleased })
    }

    get used() {
        return this.#used
    }

    /** Whether somebody waits who has no connection at all, and none is about to be free. */
    get areContested() {
        return this.#line.starving > this.#closing
    }

    /** @param {import('./lane_route').Ticket} ticket opened now or later, or dropped */
    ask(ticket) {
        this.#line.push(ticket)
        if (this.#used < this.most) return this.#serve()
        if (this.#line.size > this.#closing) this.#giveWay(ticket.isStarving ? 0 : RESTED_MS)
    }

    /** A connection takes no mail any more. */
    ending(connection) {
        this.#idle.delete(connection)
        this.#closing++
    }

    /** It is gone. */
    closed() {
        this.#closing--
        this.failed()
    }

    /** A connection did not come about. */
    failed() {
        this.#used--
        this.#serve()
        this.onReleased()
    }

    /** A connection has nothing to do. */
    idle(connection) {
        if (this.areContested) connection.quit()
        else this.#idle.add(connection)
    }

    /** It has something to do. */
    busy(connection) {
        this.#idle.delete(connection)
    }

    /** Ends those that have been idle since then or longer. @param {number} since in milliseconds since 1970 */
    endIdle(since) {
        for (const connection of this.#idle) {
            if (connection.idleSince > since) break
            connection.quit()
        }
        while (this.#line.size > this.#closing && this.#giveWay(RESTED_MS));
    }

    #giveWay(restedMs) {
        const [longest] = this.#idle
        const gives = longest !== undefined && steadyNow() - longest.idleSince >= restedMs
        if (gives) longest.quit()
        return gives
    }

    #serve() {
        while (this.#used < this.most && this.#line.size > 0) {
            const ticket = this.#line.shift()
            if (!ticket.isWanted()) {
                ticket.drop()
                continue
            }
            this.#used++
            ticket.open()
        }
    }
}

module.exports = { Slots }
