'use strict'

// Loaded into the edge before anything else (node --require). The way out ends in a file instead of the network: each
// mail that is sent is a line `sent <claim key>` in DISPATCH_LOG, one that may have been sent before a line
// `unknown <claim key>`. And at the point that DIE_AT names, the process dies as by kill -9.

const fs = require('node:fs')

const { Claims } = require('../../plugins/lib/claims')
const services = require('../../plugins/lib/services')

const BATCH = /\.spool$/
const JOURNAL = /journal-\d+/

const [POINT, TIMES = '1'] = (process.env.DIE_AT ?? '').split(':')
let times = Number(TIMES)

/** Never returns at the point where the process is to die. */
async function at(point) {
    if (point !== POINT || --times > 0) return
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})
}

const note = (line) => fs.appendFileSync(process.env.DISPATCH_LOG, `${line}\n`)

async function send(mail) {
    await services.mailSpool.intend(mail)
    await at('intended')
    note(`sent ${mail.claimKey}`)
    await at('sent')
    services.mailSpool.done(mail)
}

const over = (fate) => (mails) => {
    for (const mail of mails) {
        note(`${fate} ${mail.claimKey}`)
        services.mailSpool.done(mail)
    }
}
const [takeSent, takeUnknown] = ['sent', 'unknown'].map(over)

Object.defineProperty(services, 'dispatcher', {
    get: () => ({ take: (mails) => mails.forEach(send), takeSent, takeUnknown }),
    set: () => {},
})

const { take } = Claims.prototype
Claims.prototype.take = async function (mails) {
    await at('before the claim')
    const elsewhere = await take.call(this, mails)
    await at('claimed')
    return elsewhere
}

const { open, rename, rm } = fs.promises

fs.promises.open = async (file, ...how) => {
    const handle = await open(file, ...how)
    if (BATCH.test(file)) watch(handle, 'batch')
    if (JOURNAL.test(file)) watch(handle, 'journal')
    return handle
}

function watch(handle, what) {
    handle.writev = async (pieces) => {
        const bytes = Buffer.concat(pieces)
        const half = Math.floor(bytes.length / 2)
        await handle.write(bytes.subarray(0, half))
        await at(`${what} half written`)
        await handle.write(bytes.subarray(half))
        await at(`${what} written`)
        return { bytesWritten: bytes.length }
    }
}

fs.promises.rename = async (from, to) => {
    if (JOURNAL.test(to)) await at('journal not renamed')
    await rename(from, to)
    if (JOURNAL.test(to)) await at('journal renamed')
}

fs.promises.rm = async (file, ...how) => {
    if (BATCH.test(file)) await at('batch not removed')
    await rm(file, ...how)
    if (BATCH.test(file)) await at('batch removed')
}
