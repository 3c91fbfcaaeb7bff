'use strict'

// An hour of shaped sending, simulated in seconds: several edges share their budgets through a real Redis, against
// four providers of different limits. Shows a table; ends with 1 where a provider saw more than its limit, or mail
// waited that need not.
//
//   node bench/shaping.js [--minutes 60] [--edges 3] [--json FILE] [--svg FILE]

const fs = require('node:fs')
const { parseArgs } = require('node:util')

const { connect } = require('../plugins/lib/redis')
const { freePorts } = require('../test/support/ports')
const { RedisServer } = require('../test/support/redis')
const { waitFor } = require('../test/support/wait')
const { measureCpu } = require('./shaping/cpu')
const { drawing } = require('./shaping/drawing')
const { runHour } = require('./shaping/hour')

async function main() {
    const { values } = parseArgs({
        options: {
            minutes: { type: 'string', default: '60' },
            edges: { type: 'string', default: '3' },
            json: { type: 'string' },
            svg: { type: 'string' },
        },
    })
    const server = await new RedisServer((await freePorts(1))[0]).start()
    const redis = connect(server.url)
    try {
        await waitFor(() => redis.status === 'ready', 'the connection to Redis')
        const hour = await runHour({ redis, minutes: Number(values.minutes), edges: Number(values.edges) })
        const cpu = await measureCpu(redis)
        show(hour, cpu)
        if (values.json) fs.writeFileSync(values.json, `${JSON.stringify({ ...hour, cpu }, null, 2)}\n`)
        if (values.svg) fs.writeFileSync(values.svg, drawing(hour))
        process.exitCode = hour.failures.length ? 1 : 0
    } finally {
        redis.disconnect()
        await server.stop()
    }
}

function show({ minutes, edges, providers, smallTeam, changes, failures }, cpu) {
    console.log(`${minutes} minutes, ${edges} edges, one source, 120,000 mails of one team for an hour\n`)
    console.table(
        Object.fromEntries(
            providers.map((it) => [
                it.name,
                {
                    'limit/min': it.limits.perMinute,
                    'most in any minute': it.mostInAMinute,
                    connections: `${it.mostConnections} of ${it.limits.connections}`,
                    'mails/connection': `${it.mostOnAConnection} of ${it.limits.mailsPerConnection}`,
                    taken: it.taken,
                    'of the limit': `${(it.share * 100).toFixed(1)} %`,
                },
            ]),
        ),
    )
    console.log(`A team with 10 mails: the last one began after ${(smallTeam.lastMs / 1000).toFixed(1)} s\n`)
    console.log('What the live view said, on the first edge:')
    for (const { minute, provider, words } of changes)
        console.log(`  ${minute.toFixed(1)}  ${provider}: ${words}`)
    console.log(
        `\nShaper and queue: ${cpu.microseconds} us of CPU a mail, ${cpu.leases} calls of Redis for ${cpu.mails}`,
    )
    console.log(failures.length ? `\nFailed:\n  ${failures.join('\n  ')}` : '\nAll is within its limits.')
}

main()
