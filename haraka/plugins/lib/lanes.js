'use strict'

// Delivery over connections that stay open. A lane is a source address and a receiving provider; it has routes
// (sets of MX hosts), and those have connections.

const { steadyNow } = require('./clock')
const { Delivery } = require('./delivery')
const { Dialler } = require('./dial')
const { Lane } = require('./lane')
const log = require('./log')
const { outcomeOf, outcomeOfNoConnection } = require('./outcome')
const { Slots } = require('./slots')
const { SourcePools } = require('./source_pools')
const { TIMEOUTS } = require('./timeouts')
const { Deadlines } = require('./wire')

// Of lanes that have nothing to do, for the live view; and rows of it.
const QUIET_LANES_KEPT = 500
const MOST_ROWS = 500
const SWEEP_MS = 1000

/**
 * One mail for recipients of one route.
 * @typedef {object} Job
 * @property {'engage' | 'send'} pool broadcasts or transactional
 * @property {number} teamId
 * @property {number} broadcastId 0 for none
 * @property {string} flow what is queued fairly within a team: `b<broadcast id>` or `t`
 * @property {string} stream 'broadcast' or 'transactional'
 * @property {string} domain of the recipients
 * @property {string} sender the envelope sender; '' for none
 * @property {string[]} recipients addresses, all of one route (see `routeOf`)
 * @property {boolean} smtputf8 whether its header fields are in UTF-8 (RFC 6532)
 * @property {number} size about how many octets it has (RFC 1870)
 * @property {number} attempt 1 for the first
 * @property {number} queuedAt in milliseconds since 1970
 * @property {() => Promise<Buffer[]>} content finished and signed, lines end in CRLF, not dot-stuffed; called once at
 *   most, when a connection has the mail. May reject: the mail is deferred then
 * @property {() => Promise<void>} intend on disk: from now on it may have been sent. Called once, and once more after
 *   each `withdraw`; awaited before the first octet of the content is sent
 * @property {() => void} withdraw it was not sent, for certain, and is intended anew if it is begun once more
 * @property {() => void} heldBack its broadcast is held back: the job is its owner's again
 * @property {(outcome: Outcome) => void} done called once, unless the job was given back by `takeBack`, `close` or
 *   `heldBack`
 */

/**
 * What became of a job.
 * @typedef {object} Outcome
 * @property {Result[]} results one a recipient, in their order
 * @property {string | null} mx name of the server
 * @property {string | null} ip its address
 * @property {number | null} port
 * @property {string | null} sourceIp our address
 * @property {string | null} source the source's name
 * @property {string | null} provider
 * @property {boolean | null} tls whether the mail went over TLS; null where there was no connection
 * @property {string | null} tlsVersion 'TLSv1.3'
 * @property {number | null} connectionMail 1: the first one on its connection
 * @property {{step: string, ms: number | null, reply: string}[]} conversation steps of this mail, and before them those
 *   of the connection where the mail is the first on it
 * @property {string[]} faults what went wrong with servers that were not reached, or lost
 * @property {Error | null} lookupError of the route: a `NoMx` (for good), or another one (for now)
 */

/**
 * @typedef {object} Result
 * @property {string} recipient
 * @property {'delivered' | 'refused' | 'deferred' | 'unknown'} kind `unknown`: the connection was lost between the
 *   final dot and its reply (RFC 1047), the mail may or may not have arrived
 * @property {number | null} code the server's; null where no server said it
 * @property {string | null} enhanced RFC 3463; ours where no server said it
 * @property {string} response the server's text, or why there was none
 */

/**
 * An address of ours.
 * @typedef {object} Source
 * @property {string} name
 * @property {string | null} address null: the system chooses
 * @property {string} helo
 * @property {('engage' | 'send')[]} pools
 * @property {number | null} teamId null: for teams that have none of their own
 */

class Lanes {
    #lanes = new Map() // source's name → provider → Lane
    #quiet = new Set() // lanes, in the order in which they became quiet
    #lookingUp = new Set() // deliveries
    #pools
    #sources = null // that lanes were last looked through for
    #slots
    #dialler
    #deadlines
    #sweep
    #isClosing = false
    #onReleased = () => {}
    #waiting = 0
    #inFlight = 0

    /**
     * @param {object} options
     * @param {import('./routes').Routes} options.routes
     * @param {() => Source[]} options.sources those of this edge at present; a change is a new array
     * @param {{of(source: string, provider: string): import('./shaping').Shaper}} options.shapers
     * @param {(job: Job) => boolean} [options.isHeld] whether its broadcast is held back
     * @param {import('./tls_policy').TlsPolicy} options.tls
     * @param {number} options.connections open at the same time, at most, in all lanes together
     * @param {number} options.port of the receiving servers
     * @param {Partial<import('./timeouts').Timeouts>} [options.timeouts]
     */
    constructor({ routes, sources, shapers, isHeld = () => false, tls, connections, port, timeouts = {} }) {
        Object.assign(this, { routes, shapers, isHeld, port, timeouts: { ...TIMEOUTS, ...timeouts } })
        this.#pools = new SourcePools(sources)
        this.#slots = new Slots(connections, () => this.#onReleased())
        this.#deadlines = new Deadlines()
        const { timeouts: times } = this
        this.#dialler = new Dialler({ routes, tls, port, timeouts: times, deadlines: this.#deadlines })
        this.#sweep = setInterval(() => this.#sweepUp(), SWEEP_MS).unref()
    }

    /** Takes a mail. `job.done` is called later, never before this returns. @param {Job} job */
    send(job) {
        if (this.#isClosing) throw new Error('the lanes are closing: give mail to the next process')
        const delivery = new Delivery(job)
        this.#waiting++
        const known = this.routes.peek(job.domain)
        if (known?.route) this.#place(delivery, known.route)
        else if (!this.givesBack(delivery)) this.#lookUp(delivery)
    }

    /**
     * Recipients of domains with the same key go in one job.
     * @param {string} domain
     * @returns {Promise<{key: string, provider: string}>}
     * @throws what the look-up failed with; a job for the domain is answered with the same
     */
    async routeOf(domain) {
        const { route, error } = await this.routes.find(domain)
        if (error) throw error
        return route
    }

    /**
     * Jobs that have waited for longer than this in a lane, to be sent later by another way. `done` is not called for
     * them.
     * @param {number} olderThanMs
     * @param {number} [most]
     * @returns {Job[]}
     */
    takeBack(olderThanMs, most = Infinity) {
        const taken = []
        for (const lane of this.#all()) taken.push(...lane.takeOlder(olderThanMs, most - taken.length))
        this.#waiting -= taken.length
        return taken.map(({ delivery }) => delivery.job)
    }

    /** Gives back what waits of broadcasts that are held back. To be called when others are than before. */
    holdBack() {
        const isHeld = ({ job }) => this.isHeld(job)
        const held = this.#all().flatMap((lane) => lane.takeBroadcasts(isHeld))
        for (const { delivery } of held) this.givesBack(delivery)
    }

    /** @returns {{waiting: number, inFlight: number, connections: number}} */
    get counts() {
        return { waiting: this.#waiting, inFlight: this.#inFlight, connections: this.#slots.used }
    }

    /** One row a lane for the live view (the record of LANES:STATE): of many lanes the busiest. */
    state() {
        const now = steadyNow()
        const busiest = this.#all().sort((a, b) => b.load - a.load)
        return busiest.slice(0, MOST_ROWS).map((lane) => lane.state(now))
    }

    /**
     * Begins no mail any more, waits for those under way, and closes all connections.
     * @param {number} deadline in milliseconds since 1970: connections that are still busy then are cut
     * @returns {Promise<Job[]>} the jobs that were never begun; `done` is not called for them
     */
    async close(deadline) {
        this.#isClosing = true
        const unbegun = [...this.#lookingUp].map(({ job }) => job)
        this.#waiting -= unbegun.length
        this.#lookingUp.clear()
        unbegun.push(...this.takeBack(0))
        for (const lane of this.#all()) lane.close()
        await this.#empty(deadline)
        this.#deadlines.stop()
        clearInterval(this.#sweep)
        return unbegun
    }

    #empty(deadline) {
        return new Promise((resolve) => {
            const timer = setTimeout(() => this.#deadlines.stop(), Math.max(0, deadline - steadyNow()))
            this.#onReleased = () => {
                if (this.#slots.used > 0) return
                clearTimeout(timer)
                resolve()
            }
            this.#onReleased()
        })
    }

    async #lookUp(delivery) {
        this.#lookingUp.add(delivery)
        const { route, error } = await this.routes.find(delivery.job.domain)
        if (!this.#lookingUp.delete(delivery)) return
        if (error) this.failed(delivery, error)
        else this.#place(delivery, route)
    }

    #place(delivery, route) {
        if (this.givesBack(delivery)) return
        const { pool, teamId } = delivery.job
        const sources = this.#pools.of(pool, teamId)
        if (sources.length === 0) this.failed(delivery, new NoSource(pool))
        else this.#laneFor(sources, route.provider).take(delivery, route)
    }

    /** The least loaded. Where nothing else can take it, mail waits in a lane that would rather not have it. */
    #laneFor(sources, provider) {
        if (sources.length === 1) return this.#laneOf(sources[0], provider)
        const lanes = sources.map((source) => this.#laneOf(source, provider))
        const willing = lanes.filter(({ shaper }) => !shaper.diverts)
        return (willing.length ? willing : lanes).reduce((best, lane) =>
            lane.load < best.load ? lane : best,
        )
    }

    #laneOf(source, provider) {
        let ofSource = this.#lanes.get(source.name)
        if (!ofSource) this.#lanes.set(source.name, (ofSource = new Map()))
        let lane = ofSource.get(provider)
        if (!lane) ofSource.set(provider, (lane = this.#newLane(source, provider)))
        lane.source = source
        this.#quiet.delete(lane)
        return lane
    }

    #newLane(source, provider) {
        const shaper = this.shapers.of(source.name, provider)
        return new Lane({
            source,
            provider,
            shaper,
            slots: this.#slots,
            dialler: this.#dialler,
            lanes: this,
        })
    }

    /** A lane begins a mail that waited. */
    began() {
        this.#waiting--
        this.#inFlight++
    }

    /** A mail that had begun waits again. */
    again() {
        this.#waiting++
        this.#inFlight--
    }

    /** Whether a mail that waits is held back: then the job is its owner's again. */
    givesBack({ job }) {
        if (!this.isHeld(job)) return false
        this.#waiting--
        job.heldBack()
        return true
    }

    /** A mail is over. @param {import('./transaction').Transaction} transaction @param {Lane} lane */
    done(transaction, lane) {
        this.#inFlight--
        this.#tell(transaction.delivery, outcomeOf(transaction, lane))
    }

    /** A mail that waited has no connection, and will have none. */
    failed(delivery, err, { source, provider } = {}) {
        this.#waiting--
        this.#tell(delivery, outcomeOfNoConnection(delivery, err, { source, provider, port: this.port }))
    }

    /** Mail that waits there goes over other sources, if there are any. @param {Lane} lane */
    divert(lane) {
        if (!this.#hasOther(lane)) return
        for (const { delivery, route } of lane.takeOlder(0)) this.#place(delivery, route)
    }

    /** A lane has nothing to do. @param {Lane} lane */
    quiet(lane) {
        if (lane.isClosed) return
        this.#quiet.add(lane)
        if (this.#quiet.size > QUIET_LANES_KEPT) this.#forget(this.#quiet.values().next().value)
    }

    #tell({ job }, outcome) {
        try {
            job.done(outcome)
        } catch (err) {
            log.error('what became of a mail could not be told', { domain: job.domain, reason: err.stack })
        }
    }

    #hasOther({ source, provider }) {
        const isOther = ({ name, teamId, pools }) =>
            name !== source.name &&
            teamId === source.teamId &&
            pools.some((pool) => source.pools.includes(pool))
        return this.#pools.all.some(
            (other) => isOther(other) && !this.#lanes.get(other.name)?.get(provider)?.shaper.diverts,
        )
    }

    #forget(lane) {
        this.#quiet.delete(lane)
        const ofSource = this.#lanes.get(lane.source.name)
        ofSource.delete(lane.provider)
        if (ofSource.size === 0) this.#lanes.delete(lane.source.name)
        lane.close()
    }

    #all() {
        return [...this.#lanes.values()].flatMap((ofSource) => [...ofSource.values()])
    }

    #sweepUp() {
        this.#slots.endIdle(steadyNow() - this.timeouts.idle)
        this.#pools.refresh()
        if (this.#pools.all === this.#sources) return
        this.#sources = this.#pools.all
        const names = new Set(this.#pools.all.map(({ name }) => name))
        for (const lane of this.#all()) if (!names.has(lane.source.name)) this.#retire(lane)
    }

    /** Its source is no longer ours. */
    #retire(lane) {
        const left = lane.takeOlder(0)
        this.#forget(lane)
        for (const { delivery, route } of left) this.#place(delivery, route)
    }
}

class NoSource extends Error {
    status = '4.3.5'

    constructor(pool) {
        super(`no source address serves the pool ${pool}: add one, or the pool to one`)
    }
}

module.exports = { Lanes }
