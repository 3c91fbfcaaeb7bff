'use strict'

// Mail that waits for a lane, in a fair order: transactional mail before broadcasts, but never without end; then
// teams in turn; then the flows of a team (its broadcasts) in turn; then first come, first served.
//
// Turns are deficit round robin (Shreedhar and Varghese, Efficient Fair Queuing Using Deficit Round-Robin,
// SIGCOMM 1995), paid in recipients: one mail to fifty counts as much as fifty mails to one.

// While both wait, one mail in so many is a broadcast's.
const { steadyNow } = require('./clock')

const BROADCAST_EVERY = 5
// Recipients a turn. The least there can be: on a slow lane a longer turn is a long wait for the others.
const TURN = 1

/** Those that have mail, in a circle. A member is a flow, or a team, which is a ring of flows itself. */
class Ring {
    #members = new Map()
    #current = null
    credit = 0

    constructor(key = null, parent = null) {
        this.key = key
        this.parent = parent
    }

    get empty() {
        return this.#current === null
    }

    member(key) {
        return this.#members.get(key)
    }

    get members() {
        return [...this.#members.values()]
    }

    /** A new member comes last in the round that is under way. */
    enter(member) {
        this.#members.set(member.key, member)
        if (this.empty) this.#turnTo(member)
        const next = this.#current
        member.next = next
        member.previous = next.previous ?? member
        member.previous.next = next.previous = member
        return member
    }

    leave(member) {
        this.#members.delete(member.key)
        member.previous.next = member.next
        member.next.previous = member.previous
        if (this.#members.size === 0) {
            this.#current = null
            this.parent?.leave(this)
        } else if (this.#current === member) this.#turnTo(member.next)
    }

    /** The entry whose turn it is. It stays in. */
    head() {
        let entry = this.#current.head()
        while (entry.cost > this.#current.credit) {
            this.#turnTo(this.#current.next)
            entry = this.#current.head()
        }
        return entry
    }

    #turnTo(member) {
        this.#current = member
        member.credit += TURN
    }
}

class Flow {
    #first = null
    #last = null
    credit = 0

    constructor(key, parent) {
        this.key = key
        this.parent = parent
    }

    head() {
        return this.#first
    }

    push(entry) {
        if (this.#first) this.#last.behind = entry
        else this.#first = entry
        this.#last = entry
    }

    shift() {
        this.#first = this.#first.behind
        if (!this.#first) this.parent.leave(this)
    }
}

class FairQueue {
    #transactional = new Ring()
    #broadcasts = new Ring()
    #transactionalInARow = 0
    // All entries by the time at which they came, whatever their flow.
    #oldest = null
    #newest = null
    #size = 0

    /** @param {{now?: () => number}} [options] now: milliseconds since 1970 */
    constructor({ now = steadyNow } = {}) {
        this.now = now
    }

    /** @returns {number} jobs that wait */
    get size() {
        return this.#size
    }

    /** @returns {number | null} when the job came that has waited longest; milliseconds since 1970 */
    get oldest() {
        return this.#oldest && this.#oldest.at
    }

    /** @param {import('./lanes').Job} job */
    push(job) {
        const entry = {
            job,
            cost: job.recipients.length,
            at: this.now(),
            flow: this.#flowOf(job),
            behind: null,
            older: this.#newest,
            newer: null,
        }
        entry.flow.push(entry)
        if (this.#newest) this.#newest.newer = entry
        else this.#oldest = entry
        this.#newest = entry
        this.#size++
    }

    /** @returns {import('./lanes').Job | undefined} the job whose turn it is */
    shift() {
        if (this.#size === 0) return undefined
        const entry = this.#nextRing().head()
        for (let payer = entry.flow; payer.parent; payer = payer.parent) payer.credit -= entry.cost
        return this.#remove(entry)
    }

    /**
     * @param {number} ms 0: every job
     * @param {number} [most] jobs
     * @returns {import('./lanes').Job[]} the jobs that have waited so long, longest first; they no longer wait here
     */
    takeOlder(ms, most = Infinity) {
        const until = this.now() - ms
        const taken = []
        // The oldest of all is the first of its flow.
        while (this.#oldest?.at <= until && taken.length < most) taken.push(this.#remove(this.#oldest))
        return taken
    }

    /**
     * @param {(job: import('./lanes').Job) => boolean} isChosen asked with the first job of each broadcast
     * @returns {import('./lanes').Job[]} all jobs of the broadcasts chosen; they no longer wait here
     */
    takeBroadcasts(isChosen) {
        const flows = this.#broadcasts.members.flatMap((team) => team.members)
        const taken = []
        for (const flow of flows.filter((each) => isChosen(each.head().job)))
            while (flow.head()) taken.push(this.#remove(flow.head()))
        return taken
    }

    #flowOf({ stream, teamId, flow }) {
        const ring = stream === 'transactional' ? this.#transactional : this.#broadcasts
        const team = ring.member(teamId) ?? ring.enter(new Ring(teamId, ring))
        return team.member(flow) ?? team.enter(new Flow(flow, team))
    }

    #nextRing() {
        const both = !this.#transactional.empty && !this.#broadcasts.empty
        const broadcastsDue = both && this.#transactionalInARow === BROADCAST_EVERY - 1
        const ring = this.#transactional.empty || broadcastsDue ? this.#broadcasts : this.#transactional
        this.#transactionalInARow = both && !broadcastsDue ? this.#transactionalInARow + 1 : 0
        return ring
    }

    /** @param entry the first of its flow */
    #remove(entry) {
        entry.flow.shift()
        if (entry.older) entry.older.newer = entry.newer
        else this.#oldest = entry.newer
        if (entry.newer) entry.newer.older = entry.older
        else this.#newest = entry.older
        this.#size--
        return entry.job
    }
}

module.exports = { FairQueue }
