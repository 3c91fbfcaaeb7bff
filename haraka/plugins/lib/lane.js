'use strict'

// One source address and one receiving provider: mail that waits, by route, and the connections of each route.
//
// The shaper says when the lane may send and connect. Who gets the next connection is a matter of tickets: a route has
// one for each team whose mail waits for it, and they are served in a fair order.

const { Alarm } = require('./alarm')
const { steadyNow } = require('./clock')
const { LaneRoute, Ticket } = require('./lane_route')
const { Line } = require('./line')

// While somebody waits for a first connection, others end theirs after so many mails, or so long.
const TURN_MAILS = 20
const TURN_MS = 5000

class Lane {
    #routes = new Map() // key → LaneRoute
    #line = new Line() // of tickets
    #sendable = new Set() // routes with mail that waits, and a connection that is idle
    #idle = new Set() // connections, the one that has been idle longest first
    #alarm = new Alarm(() => this.#pump())
    #host = null
    #closing = 0 // connections

    isClosed = false
    open = 0
    pending = 0
    inFlight = 0
    waiting = 0

    /**
     * @param {object} options
     * @param {import('./lanes').Source} options.source
     * @param {string} options.provider
     * @param {import('./shaping').Shaper} options.shaper
     * @param {import('./slots').Slots} options.slots
     * @param {import('./dial').Dialler} options.dialler
     * @param {import('./lanes').Lanes} options.lanes is told what becomes of the mails
     */
    constructor(options) {
        Object.assign(this, options)
        this.shaper.onChange = () => this.#changed()
    }

    get load() {
        return this.waiting + this.inFlight
    }

    get isQuiet() {
        return this.#routes.size === 0 && this.open === 0
    }

    /**
     * @param {import('./delivery').Delivery} delivery
     * @param {import('./routes').Route} route
     */
    take(delivery, route) {
        const laneRoute = this.#laneRoute(route)
        this.waiting++
        const isNext = laneRoute.queue.size === 0 && this.#sendable.size === 0
        if (isNext && laneRoute.idle.length > 0 && this.#maySend()) {
            this.#begin(laneRoute.idle.pop(), delivery)
        } else {
            this.#queue(delivery, laneRoute)
            this.#pump()
        }
    }

    /**
     * @param {number} ms 0: all
     * @param {number} [most]
     * @returns {{delivery: import('./delivery').Delivery, route: import('./routes').Route}[]} those that have waited so
     *   long, and do no longer
     */
    takeOlder(ms, most = Infinity) {
        return this.#takeFromEach((queue, taken) => queue.takeOlder(ms, most - taken))
    }

    /** The same for all mail of the broadcasts that are chosen by a mail of theirs. */
    takeBroadcasts(isChosen) {
        return this.#takeFromEach((queue) => queue.takeBroadcasts(isChosen))
    }

    #takeFromEach(takeFrom) {
        const taken = []
        for (const laneRoute of this.#routes.values()) {
            const { queue, route } = laneRoute
            for (const delivery of takeFrom(queue, taken.length)) taken.push({ delivery, route })
            this.#forgetIfQuiet(laneRoute)
        }
        this.waiting -= taken.length
        return taken
    }

    /** Begins nothing any more. What is under way ends by itself. */
    close() {
        this.isClosed = true
        this.#alarm.clear()
        for (const connection of this.#idle) connection.quit()
        this.shaper.close()
    }

    /** A row of the live view. */
    state(now) {
        const oldest = [...this.#routes.values()].map(({ queue }) => queue.oldest ?? now)
        return {
            source: this.source.name,
            provider: this.provider,
            host: this.#host,
            connections: this.open - this.pending,
            in_flight: this.inFlight,
            waiting: this.waiting,
            oldest_wait_s: Math.round((now - Math.min(now, ...oldest)) / 1000),
            ...this.shaper.state(),
        }
    }

    #laneRoute(route) {
        const known = this.#routes.get(route.key)
        if (known) return known
        const laneRoute = new LaneRoute(route)
        this.#routes.set(route.key, laneRoute)
        this.#host = route.exchanges[0].name
        return laneRoute
    }

    #forgetIfQuiet(laneRoute) {
        if (!laneRoute.isQuiet) return
        // Its key may have another one by now: this one's last connection took its time to close.
        if (this.#routes.get(laneRoute.route.key) === laneRoute) this.#routes.delete(laneRoute.route.key)
        if (this.isQuiet) this.lanes.quiet(this)
    }

    #maySend() {
        return !this.isClosed && this.shaper.canSend(this.waiting) <= 0
    }

    #queue(delivery, laneRoute) {
        laneRoute.queue.push(delivery)
        laneRoute.waitsFor(delivery)
        if (laneRoute.idle.length > 0) this.#sendable.add(laneRoute)
        else this.#lineUp(laneRoute, delivery)
    }

    #lineUp(laneRoute, whose) {
        const isStarving = laneRoute.open === 0 && !laneRoute.isStarving
        if (!isStarving && laneRoute.ticketed.has(whose.teamId)) return
        if (isStarving) laneRoute.isStarving = true
        else laneRoute.ticketed.add(whose.teamId)
        this.#line.push(new Ticket(this, laneRoute, whose, isStarving))
    }

    /** Does what is to be done, as far as the shaper lets it. */
    #pump() {
        if (this.isClosed) return
        this.#send()
        this.#connect()
    }

    /** Mail that waits goes over connections that are idle, the routes in turn. */
    #send() {
        while (this.#sendable.size > 0) {
            const wait = this.shaper.canSend(this.waiting)
            if (wait > 0) return this.#alarm.setIn(wait)
            const [laneRoute] = this.#sendable
            this.#sendable.delete(laneRoute)
            if (laneRoute.queue.size > 0) this.#begin(laneRoute.idle.pop(), laneRoute.queue.shift())
            if (laneRoute.queue.size > 0 && laneRoute.idle.length > 0) this.#sendable.add(laneRoute)
        }
    }

    /** Mail that waits elsewhere gets connections. */
    #connect() {
        while (this.#line.size > 0) {
            const wait =
                this.waiting === 0 ? 0 : this.shaper.canConnect(this.open, this.pending, this.waiting)
            if (wait > 0) {
                this.#makeRoom()
                return this.#alarm.setIn(wait)
            }
            this.#ask(this.#line.shift())
        }
    }

    #ask(ticket) {
        const { laneRoute } = ticket
        if (ticket.isStarving) laneRoute.isStarving = false
        else laneRoute.ticketed.delete(ticket.teamId)
        if (!laneRoute.wantsConnection) return
        for (const counter of [this, laneRoute]) {
            counter.open++
            counter.pending++
        }
        this.slots.ask(ticket)
        if (laneRoute.wantsConnection) this.#lineUp(laneRoute, ticket)
    }

    /** At the limit of the lane, an idle connection gives way to a route that has none. */
    #makeRoom() {
        if (this.#line.starving <= this.#closing) return
        const mayReplace = this.shaper.canConnect(this.open - 1, this.pending, this.waiting) <= 0
        this.shaper.keeps(this.open)
        if (mayReplace) this.#longestIdle()?.quit()
    }

    #longestIdle() {
        for (const connection of this.#idle) if (connection.laneRoute.queue.size === 0) return connection
        return null
    }

    /** A ticket's turn has come. @param {Ticket} ticket */
    async connect(ticket) {
        const { laneRoute } = ticket
        const onRefused = ({ reply }) => this.shaper.answered({ ...reply, step: 'connect' })
        let connection
        try {
            connection = await this.dialler.connect(laneRoute.route, this.source, onRefused)
        } catch (err) {
            return this.#fails(err, laneRoute)
        }
        this.#stands(connection, ticket)
    }

    /** A ticket's turn has come, but its mail was sent meanwhile. */
    notWanted({ laneRoute }) {
        this.#notStanding(laneRoute)
        this.#forgetIfQuiet(laneRoute)
    }

    #stands(connection, ticket) {
        const { laneRoute } = ticket
        this.pending--
        laneRoute.pending--
        laneRoute.hasFailed = false
        this.shaper.connected()
        connection.laneRoute = laneRoute
        connection.onAnswer = (reply) => this.shaper.answered(reply)
        connection.onDone = (transaction) => this.#done(transaction)
        connection.onAgain = (delivery) => this.#again(delivery, laneRoute)
        connection.onFree = () => this.#free(connection)
        connection.onEnding = () => this.#ending(connection)
        connection.onClosed = () => this.#closed(connection)
        this.#free(connection)
        if (laneRoute.wantsConnection) this.#lineUp(laneRoute, ticket)
        this.#pump()
    }

    #fails(err, laneRoute) {
        if (err.server && this.open === this.pending) this.shaper.connectFailed(err.message)
        this.#notStanding(laneRoute)
        if (laneRoute.open === 0) this.#failWaiting(laneRoute, err)
        this.#forgetIfQuiet(laneRoute)
        this.slots.failed()
        this.#pump()
    }

    #notStanding(laneRoute) {
        for (const counter of [this, laneRoute]) {
            counter.open--
            counter.pending--
        }
    }

    /**
     * A server that was there, and went, may be there again at once: the first mail tells of it, the others wait for
     * one more try. Where there is none, or not for the second time, all have had their attempt.
     */
    #failWaiting(laneRoute, err) {
        const { queue } = laneRoute
        const most = err.wasReached && !laneRoute.hasFailed ? 1 : Infinity
        laneRoute.hasFailed = true
        const failed = queue.takeOlder(0, most)
        this.waiting -= failed.length
        for (const delivery of failed) this.lanes.failed(delivery, err, this)
        if (queue.size > 0) this.#lineUp(laneRoute, laneRoute.whose)
    }

    #begin(connection, delivery) {
        this.waiting--
        this.inFlight++
        this.#idle.delete(connection)
        this.slots.busy(connection)
        this.shaper.began()
        this.lanes.began()
        connection.begin(delivery)
    }

    #done(transaction) {
        this.inFlight--
        this.shaper.ended()
        this.lanes.done(transaction, this)
    }

    #again(delivery, laneRoute) {
        this.inFlight--
        this.shaper.ended()
        this.lanes.again()
        if (!this.lanes.givesBack(delivery)) {
            this.waiting++
            this.#queue(delivery, laneRoute)
        }
        this.#pump()
    }

    /** The hot path: most mails begin here. */
    #free(connection) {
        const { laneRoute } = connection
        if (!this.#mayStay(connection)) return connection.quit()
        if (laneRoute.queue.size > 0 && this.#sendable.size === 0 && this.#maySend()) {
            this.#begin(connection, laneRoute.queue.shift())
            if (this.#line.size > 0) this.#connect()
        } else {
            this.#rest(connection)
            this.#pump()
        }
    }

    #rest(connection) {
        const { laneRoute } = connection
        connection.idleSince = steadyNow()
        laneRoute.idle.push(connection)
        this.#idle.add(connection)
        if (laneRoute.queue.size > 0) this.#sendable.add(laneRoute)
        this.slots.idle(connection)
    }

    #mayStay(connection) {
        if (this.isClosed || connection.mails >= this.shaper.mailsPerConnection) return false
        if (!this.shaper.keeps(this.open)) return false
        const isContested = this.#line.starving > this.#closing || this.slots.areContested
        return !(isContested && hadItsTurn(connection))
    }

    #ending(connection) {
        const { laneRoute } = connection
        const { idle } = laneRoute
        if (this.#idle.delete(connection)) idle.splice(idle.indexOf(connection), 1)
        this.#closing++
        laneRoute.open--
        if (idle.length === 0) this.#sendable.delete(laneRoute)
        if (idle.length === 0 && laneRoute.queue.size > 0) this.#lineUp(laneRoute, laneRoute.whose)
        this.slots.ending(connection)
    }

    #closed({ laneRoute }) {
        this.#closing--
        this.open--
        this.shaper.closed(this.open)
        this.#forgetIfQuiet(laneRoute)
        this.slots.closed()
        this.#pump()
    }

    /** What held the lane back may be over, or it is to be held back. */
    #changed() {
        if (this.shaper.diverts) this.lanes.divert(this)
        this.#endWhatMayNotStay()
        this.#pump()
    }

    #endWhatMayNotStay() {
        for (const connection of this.#idle) {
            if (!this.shaper.keeps(this.open - this.#closing)) connection.quit()
        }
    }
}

const hadItsTurn = ({ mails, since }) => mails >= TURN_MAILS || steadyNow() - since >= TURN_MS

module.exports = { Lane }
