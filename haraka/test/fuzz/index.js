'use strict'

// Chance against what reads the words of strangers:
//   node test/fuzz [--target batches|replies|mails] [--seconds N] [--seed S]
// Each execution is one input; it ends with what was made of it, or throws. Chance comes the same with the same seed.

const { parseArgs } = require('node:util')

const log = require('../../plugins/lib/log')
const { Dice } = require('../support/dice')

// Haraka's parsers print what they dislike, and we log it.
log.setLevel('CRITICAL')
for (const method of ['log', 'info', 'warn', 'error']) console[method] = () => {}

const TARGETS = { batches: './batch_format', replies: './replies', mails: './mails' }
const SLOW_MS = 5000

/**
 * Ends at the first of the two.
 * @param {keyof typeof TARGETS} target
 * @param {{seed: number, executions?: number, seconds?: number}} options
 * @returns how many there were, how many different things were made of them, and what the slowest took
 * @throws {Error} that names seed and execution, at the first that goes wrong or takes too long
 */
async function fuzz(target, { seed, executions = Infinity, seconds = Infinity }) {
    const fuzzer = await require(TARGETS[target]).start()
    const seen = { target, seed, executions: 0, different: 0, slowestMs: 0 }
    const said = new Set()
    const deadline = performance.now() + seconds * 1000
    const { sideBySide = 1, slowMs = SLOW_MS } = fuzzer
    // One by one it is the processor's time that counts; side by side that of the clock, in which they wait.
    const spentMs = sideBySide === 1 ? () => process.cpuUsage().user / 1000 : () => performance.now()
    const run = async (_, place) => {
        while (seen.executions < executions && performance.now() < deadline) {
            const number = seen.executions++
            try {
                const began = spentMs()
                said.add(await fuzzer.execute(new Dice((seed * 1e6 + number) | 0), place))
                const ms = Math.round(spentMs() - began)
                seen.slowestMs = Math.max(seen.slowestMs, ms)
                if (ms > slowMs) throw new Error(`it took ${ms} ms`)
            } catch (err) {
                const message = `${target}, seed ${seed}, execution ${number}: ${err.message}`
                throw new Error(message, { cause: err })
            }
        }
    }
    try {
        await Promise.all(Array.from({ length: sideBySide }, run))
    } finally {
        await fuzzer.stop()
    }
    return { ...seen, different: said.size }
}

async function main() {
    const { values } = parseArgs({
        options: {
            target: { type: 'string' },
            seconds: { type: 'string', default: '60' },
            seed: { type: 'string', default: '1' },
        },
    })
    const targets = values.target ? [values.target] : Object.keys(TARGETS)
    for (const target of targets) {
        const seen = await fuzz(target, { seconds: Number(values.seconds), seed: Number(values.seed) })
        const { rss } = process.memoryUsage()
        const report = { ...seen, crashes: 0, mebibytes: Math.round(rss / 2 ** 20) }
        process.stdout.write(`${JSON.stringify(report)}\n`)
    }
}

module.exports = { fuzz }

if (require.main === module) main()
