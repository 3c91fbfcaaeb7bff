'use strict'

// The end of a journal, kept in memory: what was just written need not be read back from disk. Bounded; whoever lags
// behind what is kept here reads the disk until he has caught up.

const MOST_BYTES = 8 * 1024 * 1024

class RecentLines {
    #chunks = [] // {segment, start, end, count, bytes}, in order and without gaps
    #size = 0

    /** @param {{segment: number, start: number, bytes: Buffer, count: number}} chunk whole lines, as written */
    add({ segment, start, bytes, count }) {
        this.#chunks.push({ segment, start, end: start + bytes.length, bytes, count })
        this.#size += bytes.length
        while (this.#size > MOST_BYTES) this.#drop()
    }

    /**
     * Whole chunks of one segment from a position on; what lies before it is forgotten.
     * @returns {{body: Buffer, count: number, end: number} | null} null where the position is not known here, or the
     *   first chunk is too large
     */
    from({ segment, offset }, maxLines, maxBytes) {
        while (this.#chunks.length && isBefore(this.#chunks[0], segment, offset)) this.#drop()
        if (this.#chunks[0]?.segment !== segment || this.#chunks[0].start !== offset) return null
        const taken = []
        let count = 0
        let end = offset
        for (const chunk of this.#chunks) {
            const fits = count + chunk.count <= maxLines && chunk.end - offset <= maxBytes
            if (chunk.segment !== segment || !fits) break
            taken.push(chunk.bytes)
            count += chunk.count
            end = chunk.end
        }
        return count ? { body: Buffer.concat(taken), count, end } : null
    }

    #drop() {
        this.#size -= this.#chunks.shift().bytes.length
    }
}

const isBefore = (chunk, segment, offset) =>
    chunk.segment < segment || (chunk.segment === segment && chunk.end <= offset)

module.exports = { RecentLines }
