'use strict'

// What holds this edge up, and for how long: `kibamail_backpressure{cause="webhook"}` and its seconds. The same rule as
// in sidecars/telemetry/backpressure.py: a call that takes long, or fails, holds it up from its beginning until a later
// one succeeds, or nobody asks any more.

// A service that is well answers sooner.
const LATE_MS = 1000

// Whoever waits asks again sooner.
const QUIET_MS = 60_000

const held = new Map() // cause → {since, asked}: since when, and when it was last in vain; ms of performance.now()
const underWay = new Map() // cause, once it was asked → the calls that are: {since}

/**
 * @template T
 * @param {string} cause
 * @param {() => Promise<T>} ask fails where the cause did not do what it was asked for
 * @returns {Promise<T>} what `ask` gives
 */
async function waitingFor(cause, ask) {
    const call = { since: performance.now() }
    callsOf(cause).add(call)
    try {
        const answer = await ask()
        release(cause)
        return answer
    } catch (err) {
        hold(cause, call.since)
        throw err
    } finally {
        callsOf(cause).delete(call)
    }
}

/** The cause holds this edge up since then, if it does not do so already. */
function hold(cause, since = performance.now()) {
    callsOf(cause)
    const now = performance.now()
    const known = held.get(cause)
    held.set(cause, { since: known && !isOver(known, now) ? known.since : since, asked: now })
}

function release(cause) {
    held.delete(cause)
}

function callsOf(cause) {
    if (!underWay.has(cause)) underWay.set(cause, new Set())
    return underWay.get(cause)
}

/** @returns {[string, number][]} each cause there is, and the seconds for which it has held this edge up; 0: it does not */
function heldUpBy() {
    const now = performance.now()
    return Array.from(underWay.keys(), (cause) => [
        cause,
        (now - Math.min(now, ...sinces(cause, now))) / 1000,
    ])
}

function sinces(cause, now) {
    const late = Array.from(underWay.get(cause), ({ since }) => since).filter(
        (since) => now - since > LATE_MS,
    )
    const known = held.get(cause)
    return known && (late.length || !isOver(known, now)) ? [known.since, ...late] : late
}

/** Whether nobody has asked for so long that nobody can be waiting. */
const isOver = ({ asked }, now) => now - asked > QUIET_MS

/** The same for /health: of those that do, rounded. @returns {Record<string, number>} */
function heldUpNow() {
    const causes = heldUpBy().filter(([, seconds]) => seconds > 0)
    return Object.fromEntries(causes.map(([cause, seconds]) => [cause, Math.round(seconds * 10) / 10]))
}

module.exports = { waitingFor, hold, release, heldUpBy, heldUpNow }
