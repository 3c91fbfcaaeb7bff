'use strict'

// One edge: Haraka with our plugins, in this process.
//
// Haraka's files stand in config/ beside this file; those whose name ends in .js take their values from the
// environment (plugins/lib/settings.js). What it writes goes below EDGE_HOME. SIGTERM drains.

const fs = require('node:fs')
const os = require('node:os')

const { steadyNow } = require('./plugins/lib/clock')
const { lockHome } = require('./plugins/lib/home_lock')
const log = require('./plugins/lib/log')
const { settings } = require('./plugins/lib/settings')

fs.mkdirSync(settings.edgeHome, { recursive: true })
lockHome(settings.edgeHome)
// What a killed process left of mails that it never answered for.
fs.rmSync(settings.temporaryDir, { recursive: true, force: true })
for (const dir of [settings.queueDir, settings.eventsDir, settings.temporaryDir]) {
    fs.mkdirSync(dir, { recursive: true })
}

process.env.HARAKA = __dirname
process.env.HARAKA_JS_CONFIG = '1'
// Haraka asks the system for its name at each reply.
const hostname = os.hostname()
os.hostname = () => hostname
// Nothing in config/ changes while we run.
require('haraka-config/lib/reader').watch_files = false

const server = require('Haraka/server')
const lifecycle = require('./plugins/lib/lifecycle')
const services = require('./plugins/lib/services')

const LOOK_MS = 25

const { mailSpool, redis, reporter, spool } = services
if (spool.droppedBytes) log.warning('torn event dropped', { bytes: spool.droppedBytes })
const reporting = reporter.run()
server.createServer()

process.on('SIGTERM', once(drain))
process.on('SIGINT', once(drain))
// Every deferred mail is tried at once.
process.on('SIGHUP', () => services.wayOut.tail.flush())

/** Takes and begins no more mail, finishes what is open, tells what happened, ends; all within KIBA_DRAIN_SECONDS. */
async function drain() {
    const deadline = steadyNow() + settings.drainSeconds * 1000
    log.info('draining', { connections: lifecycle.connections.size })
    server.stopListeners()
    lifecycle.drain()
    // Mails that are not under way yet stay in the spool and in the queue for the next start. Those that are have all the
    // time there is, however long a client keeps us waiting: one that is cut off behind its dot may have arrived.
    await Promise.all([
        services.wayOut.drain(deadline),
        until(() => lifecycle.connections.size === 0, deadline),
    ])
    await mailSpool.close()

    reporter.stop()
    await reporting
    await reporter.flush(deadline)
    await spool.close()
    redis.disconnect()
    log.info('stopped', { mails_left: mailSpool.counts.mails, event_bytes_left: spool.backlogBytes })
    process.exit(0)
}

async function until(condition, deadline) {
    while (!condition() && steadyNow() < deadline)
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}

function once(work) {
    let called = false
    return () => {
        if (called) return
        called = true
        work()
    }
}
