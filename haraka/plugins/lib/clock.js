'use strict'

/**
 * Milliseconds since 1970 as the clock had it at the start. Setting the clock does not touch it, so it is for spans of
 * time; `Date.now()` is for moments that others are told of.
 */
const steadyNow = () => Math.round(performance.timeOrigin + performance.now())

/**
 * Time, so that it can be another one in simulations.
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970, for spans of time
 * @property {() => number} date the same by the clock on the wall
 * @property {(ms: number, run: () => void) => () => void} after runs once, later; the answer stops it
 * @property {(ms: number, run: () => void) => () => void} every runs again and again; the answer stops it
 */

/** Does not keep the process alive. @type {Clock} */
const systemClock = {
    now: steadyNow,
    date: Date.now,
    after(ms, run) {
        const timer = setTimeout(run, ms).unref()
        return () => clearTimeout(timer)
    },
    every(ms, run) {
        const timer = setInterval(run, ms).unref()
        return () => clearInterval(timer)
    },
}

module.exports = { steadyNow, systemClock }
