'use strict'

// How many RSA-2048 signatures this machine makes a second, as the edge makes them: crypto.sign with a callback, on
// as many threads as there are cores. `node rsa.js SECONDS` prints JSON: per_s, cpu_ms (of one signature).

process.env.UV_THREADPOOL_SIZE = String(require('node:os').availableParallelism())

const crypto = require('node:crypto')

// The header fields of a mail, as DKIM signs them, are about so long.
const SIGNED_BYTES = 700
const UNDER_WAY = 4 * Number(process.env.UV_THREADPOOL_SIZE)

const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const data = Buffer.alloc(SIGNED_BYTES, 'a')
const began = performance.now()
const until = began + 1000 * Number(process.argv[2])
let signatures = 0
let underWay = 0

function sign() {
    underWay++
    crypto.sign('sha256', data, privateKey, (err) => {
        if (err) throw err
        signatures++
        underWay--
        if (performance.now() < until) sign()
        else if (underWay === 0) tell()
    })
}

function tell() {
    const { user, system } = process.cpuUsage()
    const seconds = (performance.now() - began) / 1000
    console.log(JSON.stringify({ per_s: signatures / seconds, cpu_ms: (user + system) / 1000 / signatures }))
}

for (let i = 0; i < UNDER_WAY; i++) sign()
