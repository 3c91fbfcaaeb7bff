'use strict'

// A clock that jumps from one event to the next, so that an hour passes in seconds. Real answers (of Redis) come at
// the virtual instant at which they were asked for: time stands still until all of them are there.

class VirtualClock {
    #events = [] // a heap, the earliest first: {at, order, run}
    #order = 0
    #now
    #awaited = new Set()

    /** @param {number} start milliseconds since 1970 */
    constructor(start) {
        this.#now = start
        this.now = () => this.#now
        this.date = this.now
    }

    after(ms, run) {
        const event = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
        this.#push(event)
        return () => (event.run = null)
    }

    every(ms, run) {
        let stop
        const again = () => {
            stop = this.after(ms, again)
            run()
        }
        stop = this.after(ms, again)
        return () => stop()
    }

    /** Time stands still until `promise` is settled. */
    hold(promise) {
        this.#awaited.add(promise)
        const release = () => this.#awaited.delete(promise)
        promise.then(release, release)
        return promise
    }

    /** @param {number} until milliseconds since 1970 */
    async run(until) {
        for (;;) {
            await null // what waits for the next microtask may ask for something
            while (this.#awaited.size > 0) {
                await Promise.allSettled(this.#awaited)
                await new Promise((resolve) => setImmediate(resolve))
            }
            const next = this.#events[0]
            if (!next || next.at > until) break
            this.#pop()
            this.#now = Math.max(this.#now, next.at)
            next.run?.()
        }
        this.#now = until
    }

    #push(event) {
        const heap = this.#events
        let i = heap.push(event) - 1
        while (i > 0) {
            const parent = (i - 1) >> 1
            if (!isBefore(event, heap[parent])) break
            heap[i] = heap[parent]
            i = parent
        }
        heap[i] = event
    }

    #pop() {
        const heap = this.#events
        const last = heap.pop()
        if (heap.length === 0) return
        let i = 0
        for (;;) {
            let child = 2 * i + 1
            if (child >= heap.length) break
            if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
            if (!isBefore(heap[child], last)) break
            heap[i] = heap[child]
            i = child
        }
        heap[i] = last
    }
}

const isBefore = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order)

module.exports = { VirtualClock }
