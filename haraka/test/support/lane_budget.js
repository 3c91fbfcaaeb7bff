'use strict'

const { LaneBudget } = require('../../plugins/lib/lane_budget')

/** The budget of a lane that no other edge uses: what is asked for is leased at once, as far as the limits go. */
function ownBudget(limits, clock) {
    let next = 0
    const budget = new LaneBudget('engage-1', 'mailbox.example', () =>
        clock.after(0, () => {
            const now = clock.now()
            const { slots, connections } = budget.demand(now)
            const every = budget.interval
            const first = Math.max(now, next)
            next = first + slots * every
            const allowed = Math.min(connections, budget.limits.connections)
            budget.lease({ slots, first, every, connections: allowed, counted: null, retry: 0 }, now)
        }),
    )
    budget.limits = { perMinute: 600, connections: 10, mailsPerConnection: 100, ceiling: null, ...limits }
    return budget
}

module.exports = { ownBudget }
