'use strict'

const { randomInt } = require('node:crypto')
const net = require('node:net')

// Above those of infra/local, and below those that the system gives to outgoing connections, one of which could
// come before the server does.
const FIRST = 29_500
const BLOCKS = 80
const BLOCK_SIZE = 40

let next = 0
let end = 0

/** @returns {Promise<number[]>} ports of the loopback that no other test process is given, and nothing listens on */
async function freePorts(count) {
    const ports = []
    while (ports.length < count) {
        if (next === end) await takeBlock()
        const port = next++
        if (await listen(port).then(close, () => false)) ports.push(port)
    }
    return ports
}

/** A block of ports is this process's while it listens on the first of them. */
async function takeBlock() {
    for (;;) {
        const first = FIRST + randomInt(BLOCKS) * BLOCK_SIZE
        const holder = await listen(first).catch(() => null)
        if (!holder) continue
        holder.unref()
        next = first + 1
        end = first + BLOCK_SIZE
        return
    }
}

function listen(port) {
    const server = net.createServer()
    return new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', () => resolve(server))
    })
}

const close = (server) => new Promise((resolve) => server.close(() => resolve(true)))

module.exports = { freePorts }
