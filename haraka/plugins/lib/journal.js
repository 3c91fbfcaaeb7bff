'use strict'

// Which mails are being sent: on disk, so that the next life of this process knows what it may have sent.
//
//   journal-00000001   lines: `+<key>` from here on the mail may have been sent; `~<key>` it was not; `=<key>` it was;
//                      `-<key>` it is over
//
// An intent is on disk (O_DSYNC; those that come together share a write) before the mail's text is sent. That it was
// sent, or is over, is written soon, and nobody waits for it: where the line is lost, the mail counts as intended. It
// stands in front of each later intent, so a connection has one mail at the most of which nobody knows. Each file begins
// with what still matters of the one before it, so that only the last one counts. A new one begins after a start,
// after a failure, and when enough was appended.

const fs = require('node:fs')
const path = require('node:path')

const { FLAGS, writeDurably } = require('./durable_write')
const { GroupCommit } = require('./group_commit')
const log = require('./log')
const { syncFolder } = require('./sync_folder')

const APPENDED_BYTES = 8 * 1024 * 1024
const LAZY_MS = 20
const RETRY_MS = 1000

const FILE = /^journal-(\d{8,})(\.new)?$/
const LINE = /^[+~=-][\w./-]+$/

class Journal {
    #intended = new Set()
    #sent = new Set() // and not over
    #wasOver = new Set()
    #lines = [] // of what is over, to be written with the next group
    #timer = null
    #group = new GroupCommit((lines) => this.#write(lines))
    #number // of the last file
    #handle = null
    #appended = Infinity

    /**
     * Reads the journal in `dir`, which must be there. Synchronous: for the start only.
     * @param {string} dir
     * @param {object} [options]
     * @param {() => Iterable<string>} [options.over] keys that are over and must not be forgotten yet
     * @param {number} [options.appendedBytes] after which a new file begins
     */
    constructor(dir, { over = () => [], appendedBytes = APPENDED_BYTES } = {}) {
        this.dir = dir
        this.over = over
        this.appendedBytes = appendedBytes
        this.#number = Math.max(0, ...fs.readdirSync(dir).map(numberOf))
        if (this.#number > 0) this.#read()
    }

    #read() {
        const lines = fs.readFileSync(this.#file(), 'latin1').split('\n')
        // What has no end, and what follows a line that is none, was being written when the machine stopped.
        lines.pop()
        for (const line of lines) {
            if (!LINE.test(line)) return
            const key = line.slice(1)
            this.#intended.delete(key)
            this.#sent.delete(key)
            this.#wasOver.delete(key)
            if (line[0] === '+') this.#intended.add(key)
            if (line[0] === '=') this.#sent.add(key)
            if (line[0] === '-') this.#wasOver.add(key)
        }
    }

    /** @returns {Promise<void>} when it is on disk that the mail may have been sent from now on */
    async intend(key) {
        this.#intended.add(key)
        try {
            await this.#group.add(`+${key}\n`)
        } catch (err) {
            this.#intended.delete(key)
            throw err
        }
    }

    /** It was not sent after all, and waits. Where this is lost, the mail counts as intended. */
    withdraw(key) {
        this.#intended.delete(key)
        // Behind the intent, and before the next one.
        this.#group.add(`~${key}\n`).catch((err) => this.#failed(err))
    }

    /** A server took the mail. It is over when that is told. */
    sent(key) {
        this.#intended.delete(key)
        this.#sent.add(key)
        this.#writeSoon(`=${key}\n`)
    }

    /** The mail is over: told of, given up, or somebody else's. */
    done(key) {
        this.#intended.delete(key)
        this.#sent.delete(key)
        this.#writeSoon(`-${key}\n`)
    }

    /** Whether it was sent, and is not over. */
    wasSent(key) {
        return this.#sent.has(key)
    }

    /** @returns {Set<string>} what is intended and not over */
    pending() {
        return new Set(this.#intended)
    }

    /** Whether it was over when the journal was read; to be asked before anything is written. */
    wasOver(key) {
        return this.#wasOver.has(key)
    }

    /** Resolves when all is on its way to the disk. */
    async close() {
        clearTimeout(this.#timer)
        await this.#flush()
        clearTimeout(this.#timer)
        await this.#handle?.close()
        this.#handle = null
        this.#appended = Infinity
    }

    #writeSoon(line) {
        this.#lines.push(line)
        this.#timer ??= setTimeout(() => this.#flush(), LAZY_MS)
    }

    async #flush() {
        this.#timer = null
        try {
            await this.#group.add('')
        } catch (err) {
            this.#failed(err)
            this.#timer ??= setTimeout(() => this.#flush(), RETRY_MS)
        }
    }

    #failed(err) {
        log.error('journal not written', { reason: err.message })
    }

    async #write(lines) {
        if (this.#appended >= this.appendedBytes) await this.#begin()
        const text = this.#lines.concat(lines).join('')
        this.#lines = []
        try {
            await writeDurably(this.#handle, [Buffer.from(text)])
        } catch (err) {
            // Nothing may follow half a line; a new file says all that this one should have said.
            this.#appended = Infinity
            throw err
        }
        this.#appended += text.length
    }

    async #begin() {
        this.#wasOver.clear()
        const name = this.#file(this.#number + 1)
        const intended = Array.from(this.#intended, (key) => `+${key}\n`)
        const sent = Array.from(this.#sent, (key) => `=${key}\n`)
        const over = Array.from(this.over(), (key) => `-${key}\n`)
        const handle = await fs.promises.open(`${name}.new`, FLAGS.replace)
        try {
            await writeDurably(handle, [Buffer.from(intended.concat(sent, over).join(''))])
            // What is forgotten here was of files that are deleted: a power cut must not bring those back.
            await syncFolder(this.dir)
            await fs.promises.rename(`${name}.new`, name)
            await syncFolder(this.dir)
        } catch (err) {
            await handle.close()
            throw err
        }
        await this.#handle?.close()
        this.#handle = handle
        this.#number += 1
        this.#appended = 0
        await this.#removeOlder()
    }

    async #removeOlder() {
        for (const file of await fs.promises.readdir(this.dir)) {
            if (FILE.test(file) && path.join(this.dir, file) !== this.#file()) {
                await fs.promises.rm(path.join(this.dir, file))
            }
        }
    }

    #file(number = this.#number) {
        return path.join(this.dir, `journal-${String(number).padStart(8, '0')}`)
    }
}

/** The number of a whole journal file; 0 for any other. */
function numberOf(file) {
    const [, number, isNew] = FILE.exec(file) ?? []
    return number && !isNew ? Number(number) : 0
}

module.exports = { Journal }
