'use strict'

// Our addresses, as operators wrote them (the records of SOURCES).

// Without any record: whatever address the system takes, for everything.
const DEFAULT = {
    default: { address: null, helo: null, edge: null, pools: ['send', 'engage'], team_id: null },
}

/**
 * @param {Record<string, object>} records
 * @param {string} edge
 * @param {string} hostname what a source without a name of its own says in EHLO
 * @returns {import('./lanes').Source[]} those that this edge may use
 */
function sourcesOf(records, edge, hostname) {
    const all = Object.entries(Object.keys(records).length > 0 ? records : DEFAULT)
    return all
        .filter(([, source]) => source.edge === null || source.edge === edge)
        .map(([name, { address, helo, pools, team_id: teamId }]) => {
            return { name, address, helo: helo ?? hostname, pools, teamId }
        })
}

module.exports = { sourcesOf }
