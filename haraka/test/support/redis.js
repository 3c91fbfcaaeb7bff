'use strict'

// A real redis-server on a port of its own, without persistence.

const { spawn } = require('node:child_process')
const Redis = require('ioredis')

const { waitFor } = require('./wait')

class RedisServer {
    constructor(port) {
        this.port = port
        this.url = `redis://127.0.0.1:${port}/0`
    }

    async start() {
        const options = ['--port', this.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
        this.process = spawn('redis-server', options.map(String), { stdio: 'ignore' })
        this.client ??= new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
        this.client.on('error', () => {})
        await waitFor(() => this.client.ping().catch(() => false), 'redis-server (is it on PATH?)')
        return this
    }

    /** As if the machine were gone; what it held is lost. */
    async kill() {
        const exited = new Promise((resolve) => this.process.once('exit', resolve))
        this.process.kill('SIGKILL')
        await exited
    }

    async stop() {
        this.client.disconnect()
        if (this.process.exitCode === null && this.process.signalCode === null) await this.kill()
    }
}

module.exports = { RedisServer }
