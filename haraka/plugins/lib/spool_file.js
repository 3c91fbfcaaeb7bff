'use strict'

// A file of batch documents, each behind a line `KIBA1 <bytes> <CRC-32 in hex> <when it was taken, ms>`.

const fs = require('node:fs')
const { crc32 } = require('node:zlib')

const { FLAGS, writeDurably } = require('./durable_write')

const FRAME = /^KIBA1 (\d{1,12}) ([0-9a-f]{8}) (\d{1,15})\r\n/
const LONGEST_FRAME = 64

class SpoolFile {
    #handle = null
    size = 0
    /** Of the batches in it. */
    batchIds = []
    /** How many mails were written into it, and how many of them are not over. */
    mails = 0
    waiting = 0

    constructor(path) {
        this.path = path
    }

    /**
     * @param {import('./batch_format').Batch[]} batches
     * @returns {Promise<void>} when they are on disk
     * @throws where they cannot be; the file is then as it was before
     */
    async append(batches) {
        this.#handle ??= await fs.promises.open(this.path, FLAGS.create)
        const pieces = batches.flatMap((batch) => [frameOf(batch), batch.document])
        try {
            await writeDurably(this.#handle, pieces)
        } catch (err) {
            await this.#handle.truncate(this.size)
            throw err
        }
        for (const piece of pieces) this.size += piece.length
        for (const { mails } of batches) this.mails += mails.length
    }

    async close() {
        const handle = this.#handle
        this.#handle = null
        await handle?.close()
    }

    async remove() {
        await this.close()
        await fs.promises.rm(this.path, { force: true })
    }

    /**
     * Synchronous: for the start only.
     * @returns {{documents: {document: Buffer, queuedAt: number}[], tornBytes: number}} tornBytes: behind the last
     *   whole document
     */
    read() {
        const bytes = fs.readFileSync(this.path)
        const documents = []
        let at = 0
        for (;;) {
            const next = documentAt(bytes, at)
            if (!next) return { documents, tornBytes: bytes.length - at }
            documents.push(next)
            at = next.end
        }
    }
}

function frameOf({ document, queuedAt }) {
    return Buffer.from(`KIBA1 ${document.length} ${checksum(document)} ${queuedAt}\r\n`)
}

function documentAt(bytes, at) {
    const [frame, length, sum, queuedAt] =
        FRAME.exec(bytes.subarray(at, at + LONGEST_FRAME).latin1Slice()) ?? []
    if (!frame) return null
    const start = at + frame.length
    const end = start + Number(length)
    const document = bytes.subarray(start, end)
    if (document.length !== Number(length) || checksum(document) !== sum) return null
    return { document, queuedAt: Number(queuedAt), end }
}

const checksum = (document) => crc32(document).toString(16).padStart(8, '0')

module.exports = { SpoolFile }
