'use strict'

// What it costs to deliver a mail over the lanes, and what many domains cost in memory:
//   node bench/lanes.js [MAILS] [DOMAINS] [CONNECTIONS A LANE] [KILOBYTES] [tls]
// Against bench/edge/sink.c in a process of its own, as is the resolver; unsigned, each domain with a server of its own
// name. Needs cc and libssl-dev; with `tls` openssl. `node --cpu-prof bench/lanes.js` makes a profile.

const { execFileSync, fork, spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { TestLanes } = require('../test/support/lanes')
const { freePorts } = require('../test/support/ports')

const SINK = path.join(__dirname, '..', '..', 'bench', 'edge', 'sink.c')
const UNDER_WAY = 5000
const WARM_UP = 10_000
const [mails = 50_000, domains = 50, connections = 20, kilobytes = 10] = process.argv.slice(2, 6).map(Number)
const overTls = process.argv[6] === 'tls'

async function main() {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-lanes-'))
    const [sinkPort, control] = await freePorts(2)
    const sink = startSink(home, sinkPort, control)
    const resolver = fork(path.join(__dirname, 'resolver.js'))
    const address = await new Promise((resolve) => resolver.once('message', resolve))
    try {
        await run(new TestLanes({ dns: { address }, port: sinkPort, connections: 1000 }))
    } finally {
        sink.kill()
        resolver.kill()
        fs.rmSync(home, { recursive: true, force: true })
    }
}

function startSink(home, port, control) {
    const program = path.join(home, 'sink')
    execFileSync('cc', ['-std=gnu11', '-O2', '-o', program, SINK, '-lssl', '-lcrypto'])
    const options = ['--port', port, '--control', control, '--address', '127.0.0.1', '--count', 1]
    if (overTls) options.push(...certificate(home))
    return spawn(program, options.map(String), { stdio: 'inherit' })
}

function certificate(home) {
    const [cert, key] = ['cert.pem', 'key.pem'].map((file) => path.join(home, file))
    const rsa = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=mx.example', '-days', '2']
    execFileSync('openssl', ['req', '-x509', ...rsa, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return ['--certificate', cert, '--key', key]
}

async function run(lanes) {
    lanes.limit(connections)
    const text = Buffer.from(
        'A line of a mail as they are, seventy-two bytes long and with its end.\r\n'.repeat(kilobytes * 14),
    )
    const content = async (i) => [
        Buffer.from(`Message-ID: <${i}@bench.example>\r\nSubject: Spring\r\n\r\n`),
        text,
    ]
    const kinds = {}
    const failures = new Set()
    let i = 0
    const send = async (count) => {
        const end = i + count
        const next = async () => {
            while (i < end) {
                const mail = i++
                const to = `ann${mail}@d${mail % domains}.example`
                const { results } = await lanes.send(to, { content: () => content(mail) })
                kinds[results[0].kind] = (kinds[results[0].kind] ?? 0) + 1
                if (results[0].kind !== 'delivered') failures.add(results[0].response)
            }
        }
        await Promise.all(Array.from({ length: Math.min(UNDER_WAY, count) }, next))
    }
    // What is compiled and connected once is not the price of a mail.
    await send(Math.min(mails, WARM_UP))
    const began = Date.now()
    const before = process.cpuUsage()
    await send(mails)
    const { user, system } = process.cpuUsage(before)
    const seconds = (Date.now() - began) / 1000
    const rounded = (microseconds) => Math.round((microseconds / mails) * 10) / 10
    console.log(
        JSON.stringify({
            ...kinds,
            cpu_us_a_mail: rounded(user + system),
            user_us: rounded(user),
            mails_a_second: Math.round(mails / seconds),
            peak_mb: Math.round(process.resourceUsage().maxRSS / 1024),
            lanes: lanes.lanes.state().length,
            ...lanes.lanes.counts,
            failures: [...failures].slice(0, 5),
        }),
    )
    await lanes.close()
}

main()
