'use strict'

// The hour that is simulated, and what must hold of it.

const { Simulation, MINUTE_MS } = require('./simulate')

// The last tenth of the storm lane's hour shows whether it has recovered.
const RECOVERED_SHARE = 0.9
const THROUGHPUT_SHARE = 0.9
const A_FEW_SECONDS_MS = 5000
const MAILS = 120_000 // of one team, in an hour
const SMALL_TEAM = [
    ['google', 6],
    ['microsoft', 3],
    ['slow.example', 1],
]

function providersOf(minutes) {
    const stormMs = [minutes * 0.4 * MINUTE_MS, minutes * 0.5 * MINUTE_MS]
    return [
        {
            name: 'google',
            perMinute: 1200,
            connections: 10,
            mailsPerConnection: 50,
            latencyMs: [100, 400],
            stormMs,
        },
        {
            name: 'microsoft',
            perMinute: 600,
            connections: 5,
            mailsPerConnection: 50,
            latencyMs: [100, 300],
            greylists: 0.02,
        },
        {
            name: 'slow.example',
            perMinute: 120,
            connections: 20,
            mailsPerConnection: 10,
            latencyMs: [3000, 8000],
        },
        { name: 'tiny.example', perMinute: 6, connections: 1, mailsPerConnection: 2, latencyMs: [500, 1500] },
    ]
}

/**
 * @param {{redis: import('ioredis').Redis, minutes: number, edges: number}} options redis: empty; minutes: with fewer
 *   than 60 the storm is shorter too
 * @returns what was seen, as JSON; `failures` says what did not hold
 */
async function runHour({ redis, minutes, edges }) {
    const simulation = new Simulation({ redis, edges, providers: providersOf(minutes) })
    const total = simulation.providers.reduce((sum, { perMinute }) => sum + perMinute, 0)
    for (const { name, perMinute } of simulation.providers) {
        const count = Math.ceil((MAILS / edges) * (perMinute / total) * (minutes / 60))
        for (const edge of simulation.edges) simulation.send({ edge, provider: name, ...broadcast(1), count })
    }
    const small = []
    simulation.at(minutes * 0.2 * MINUTE_MS, () => {
        for (const [provider, count] of SMALL_TEAM) {
            small.push(...simulation.send({ edge: simulation.edges[0], provider, ...broadcast(2), count }))
        }
    })
    await simulation.run(minutes * MINUTE_MS)

    const hour = {
        minutes,
        edges,
        providers: simulation.providers.map((provider) => seenBy(provider, minutes)),
        smallTeam: {
            mails: small.length,
            lastMs: Math.max(...small.map((job) => job.beganAt - job.pushedAt)),
        },
        changes: simulation.changes,
    }
    return { ...hour, failures: failuresOf(hour) }
}

const broadcast = (teamId) => ({ teamId, flow: `b${teamId}`, stream: 'broadcast' })

function seenBy(provider, minutes) {
    const { name, perMinute, connections, mailsPerConnection, stormMs, taken, start } = provider
    const byMinute = new Array(minutes).fill(0)
    for (const at of taken) byMinute[Math.min(minutes - 1, Math.floor((at - start) / MINUTE_MS))]++
    const stormMinutes = (stormMs[1] - stormMs[0]) / MINUTE_MS
    return {
        name,
        limits: { perMinute, connections, mailsPerConnection },
        stormMinutes: stormMs.map((ms) => ms / MINUTE_MS),
        mostInAMinute: provider.mostInAMinute,
        mostConnections: provider.mostOpen,
        mostOnAConnection: provider.mostOnAConnection,
        taken: taken.length,
        possible: perMinute * (minutes - stormMinutes),
        share: taken.length / (perMinute * (minutes - stormMinutes)),
        byMinute,
    }
}

function failuresOf({ minutes, providers, smallTeam }) {
    const failures = []
    for (const it of providers) {
        const { perMinute, connections, mailsPerConnection } = it.limits
        if (it.mostInAMinute > perMinute)
            failures.push(`${it.name} saw ${it.mostInAMinute} mails in a minute`)
        if (it.mostConnections > connections)
            failures.push(`${it.name} saw ${it.mostConnections} connections`)
        if (it.mostOnAConnection > mailsPerConnection)
            failures.push(`${it.name} saw too many mails on a connection`)
        const last = it.byMinute.slice(-Math.ceil(minutes / 10))
        const share = sum(last) / (last.length * perMinute)
        if (share < RECOVERED_SHARE)
            failures.push(`${it.name} ends at ${Math.round(share * 100)} % of its limit`)
    }
    const share = sum(providers.map(({ taken }) => taken)) / sum(providers.map(({ possible }) => possible))
    if (share < THROUGHPUT_SHARE)
        failures.push(`${Math.round(share * 100)} % of what the limits allow was sent`)
    if (!(smallTeam.lastMs <= A_FEW_SECONDS_MS)) failures.push(`the small team waited ${smallTeam.lastMs} ms`)
    return failures
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

module.exports = { runHour }
