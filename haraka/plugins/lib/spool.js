'use strict'

// Events on their way to the webhook receiver: an append-only journal on disk.
//
//   00000001.ndjson, 00000002.ndjson …   one event a line; a new segment begins when one is full
//   position.json                        how far the receiver has taken them: {"segment": 2, "offset": 1234}
//
// `append` resolves when its line is on disk (lines that come within moments share a write), so what was
// reported survives kill -9 and a power cut. A line that was cut off while it was written belongs to a caller
// that never got an answer, and is dropped at the next start. What the receiver took but `position.json` does
// not say yet is sent once more: each event has an id. A segment is deleted when all of it was taken.

const fs = require('node:fs')
const path = require('node:path')

const { FLAGS, writeDurably } = require('./durable_write')
const { GroupCommit } = require('./group_commit')
const log = require('./log')
const { RecentLines } = require('./recent_lines')

// Nobody waits for an event but the journal of mails: at thousands a second, a write for every few would cost more
// than all else.
const GATHER_MS = 10
const SEGMENT_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a

class Spool {
    #group = new GroupCommit((lines) => this.#write(lines), GATHER_MS)
    #recent = new RecentLines()
    #handle = null // of the last segment
    #segments // numbers of the segments on disk, in order
    #sizes // segment → bytes that are on disk
    #position

    /** Opens the journal in `dir`, made if need be, and mends its end. Synchronous: for the start only. */
    constructor(dir, { segmentBytes = SEGMENT_BYTES } = {}) {
        this.dir = dir
        this.segmentBytes = segmentBytes
        this.onAppend = () => {}
        fs.mkdirSync(dir, { recursive: true })
        const position = readPosition(this.#positionFile)
        this.#segments = segmentsIn(dir)
        // A number is not used twice: position.json may still speak of the old one.
        if (this.#segments.length === 0) this.#segments.push((position?.segment ?? 0) + 1)
        this.droppedBytes = dropTornLine(this.#file(this.#segments.at(-1)))
        this.#sizes = new Map(this.#segments.map((segment) => [segment, sizeOf(this.#file(segment))]))
        const isThere = position && position.offset <= this.#sizes.get(position.segment)
        this.#position = isThere ? position : { segment: this.#segments[0], offset: 0 }
        while (this.#segments[0] < this.#position.segment) this.#dropFirstSegment()
    }

    /** @param {object} event @returns {Promise<void>} when it is on disk */
    append(event) {
        return this.#group.add(`${JSON.stringify(event)}\n`)
    }

    /** Bytes on disk that the receiver has not taken. */
    get backlogBytes() {
        const { segment, offset } = this.#position
        let bytes = -offset
        for (const [number, size] of this.#sizes) if (number >= segment) bytes += size
        return bytes
    }

    /**
     * The next events, still in the journal until `taken` is told.
     * @returns {Promise<{body: Buffer, count: number, end: object} | null>} whole lines; null where none wait
     */
    async next(maxEvents, maxBytes) {
        this.#skipReadSegments()
        const { segment, offset } = this.#position
        const length = Math.min(this.#sizes.get(segment) - offset, maxBytes)
        if (length === 0) return null
        const recent = this.#recent.from(this.#position, maxEvents, maxBytes)
        if (recent) return { ...recent, end: { segment, offset: recent.end } }
        const bytes = await readAt(this.#file(segment), offset, length)
        const { end, count } = wholeLines(bytes, maxEvents)
        if (count === 0)
            throw new Error(`${this.#file(segment)} has a line above ${maxBytes} bytes at ${offset}`)
        return { body: bytes.subarray(0, end), count, end: { segment, offset: offset + end } }
    }

    /** The receiver has everything before `end`, as `next` gave it. A full disk does not keep the rest from it. */
    async taken(end) {
        this.#position = end
        try {
            await fs.promises.writeFile(`${this.#positionFile}.new`, JSON.stringify(end))
            await fs.promises.rename(`${this.#positionFile}.new`, this.#positionFile)
        } catch (err) {
            log.warning('not written how far events were taken; some go twice after a restart', {
                reason: err.message,
            })
        }
    }

    /** Resolves when what was appended is on disk. */
    async close() {
        await this.#group.idle()
        await this.#handle?.close()
        this.#handle = null
    }

    async #write(lines) {
        const bytes = Buffer.from(lines.join(''))
        const segment = this.#segments.at(-1)
        const start = this.#sizes.get(segment)
        this.#handle ??= await fs.promises.open(this.#file(segment), FLAGS.append)
        try {
            await writeDurably(this.#handle, [bytes])
        } catch (err) {
            // Nothing may follow half a line.
            await this.#handle.truncate(start)
            await this.#makeRoom()
            throw err
        }
        this.#sizes.set(segment, start + bytes.length)
        this.#recent.add({ segment, start, bytes, count: lines.length })
        if (start + bytes.length >= this.segmentBytes) await this.#beginSegment(segment + 1)
        this.onAppend(lines.length)
    }

    /** On a full disk what was taken must not lie there till its segment is full, too: nothing else may free any. */
    async #makeRoom() {
        const segment = this.#segments.at(-1)
        const { segment: taken, offset } = this.#position
        if (taken !== segment || offset === 0 || offset < this.#sizes.get(segment)) return
        await this.#beginSegment(segment + 1)
        this.#skipReadSegments()
    }

    async #beginSegment(segment) {
        await this.#handle.close()
        this.#handle = null
        this.#segments.push(segment)
        this.#sizes.set(segment, 0)
    }

    #skipReadSegments() {
        while (
            this.#position.offset >= this.#sizes.get(this.#position.segment) &&
            this.#segments.length > 1
        ) {
            this.#dropFirstSegment()
            this.#position = { segment: this.#segments[0], offset: 0 }
        }
    }

    #dropFirstSegment() {
        const segment = this.#segments.shift()
        this.#sizes.delete(segment)
        // Not waited for: a segment that is left over is dropped at the next start.
        fs.unlink(this.#file(segment), () => {})
    }

    get #positionFile() {
        return path.join(this.dir, 'position.json')
    }

    #file(segment) {
        return path.join(this.dir, `${String(segment).padStart(8, '0')}.ndjson`)
    }
}

function segmentsIn(dir) {
    const numbers = fs.readdirSync(dir).map((file) => /^(\d{8,})\.ndjson$/.exec(file)?.[1])
    return numbers
        .filter(Boolean)
        .map(Number)
        .sort((a, b) => a - b)
}

/** @returns null where there is none, or none that can be read: then everything counts as not taken */
function readPosition(file) {
    try {
        return JSON.parse(fs.readFileSync(file))
    } catch (err) {
        if (err.code === 'ENOENT' || err instanceof SyntaxError) return null
        throw err
    }
}

/** @returns {number} bytes dropped behind the last whole line */
function dropTornLine(file) {
    const size = sizeOf(file)
    if (size === 0) return 0
    const whole = fs.readFileSync(file).lastIndexOf(NEWLINE) + 1
    fs.truncateSync(file, whole)
    return size - whole
}

function sizeOf(file) {
    return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

async function readAt(file, offset, length) {
    const handle = await fs.promises.open(file, 'r')
    try {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset)
        return buffer.subarray(0, bytesRead)
    } finally {
        await handle.close()
    }
}

function wholeLines(bytes, maxLines) {
    let end = 0
    let count = 0
    while (count < maxLines) {
        const newline = bytes.indexOf(NEWLINE, end)
        if (newline === -1) break
        end = newline + 1
        count++
    }
    return { end, count }
}

module.exports = { Spool }
