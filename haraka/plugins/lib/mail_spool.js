'use strict'

// Mails that this edge has taken and that are not over: on disk, and in memory.
//
//   <batch id>.spool   documents (docs/batch-format.md), as spool_file.js has them
//   journal-…          what of them is over, and what may have been sent (journal.js)
//
// A worker's batch has a file of its own. Submitted mails share one, and one fsync with those that come at the same
// time. A file is deleted when all its mails are over. A document that was being written when the machine stopped was
// never answered for, and is dropped at the next start.

const fs = require('node:fs')
const path = require('node:path')

const { BatchError, parseBatch } = require('./batch_format')
const { GroupCommit } = require('./group_commit')
const { Journal } = require('./journal')
const log = require('./log')
const { Quota } = require('./quota')
const { SpoolFile } = require('./spool_file')
const { syncFolder } = require('./sync_folder')
const { Tally } = require('./tally')

const SUFFIX = '.spool'
// Where a file of submitted mails ends.
const SHARED_MAILS = 500
const SHARED_BYTES = 8 * 1024 * 1024

/** @typedef {import('./batch_format').Batch} Batch */
/** @typedef {import('./spooled_mail').SpooledMail} SpooledMail */

class MailSpool {
    #entries = new Map() // batch id → {file, over: indexes}
    #shared = null // the file that submitted mails are appended to
    #folder = new GroupCommit(() => syncFolder(this.dir))
    #submitted = new GroupCommit((batches) => this.#append(batches))

    /** Mails of each broadcast that are not over. */
    broadcasts = new Tally()

    /**
     * Synchronous, with all that was left: for the start only.
     * @param {object} options
     * @param {string} options.dir made if need be; one process at a time may have it
     * @param {number} options.maxMails above which `admits` refuses (quota.js)
     * @param {number} options.maxBytes
     * @param {Set<string>} options.neverLost streams whose mail is sent again where it may have been sent
     * @param {(seconds: number) => void} [options.onSync] told how long the disk took for a batch
     */
    static open(options) {
        return new MailSpool(options)
    }

    constructor({ dir, maxMails, maxBytes, neverLost, onSync = () => {} }) {
        Object.assign(this, { dir, neverLost, onSync })
        this.quota = new Quota({ mails: maxMails, bytes: maxBytes })
        fs.mkdirSync(dir, { recursive: true })
        this.journal = new Journal(dir, { over: () => this.#keysOver() })
        /**
         * Mails that an earlier life left. fate 'sent': it was, which may not have been told; 'unknown': it may have
         * been sent already, and is not risked twice. All others are to be sent: those of a stream that is never lost,
         * though they may have been sent too.
         * @type {{mail: SpooledMail, fate: 'send' | 'sent' | 'unknown'}[]}
         */
        this.left = this.#readAll()
    }

    /** @returns {{mails: number, bytes: number, batches: number}} that are not over */
    get counts() {
        return { ...this.quota.total, batches: this.#entries.size }
    }

    /** @returns {string | null} why these mails of a team cannot be taken now; null where they can */
    admits(teamId, mails, bytes) {
        return this.quota.refusal(teamId, { mails, bytes })
    }

    /** Whether a batch of this id is here. */
    has(batchId) {
        return this.#entries.has(batchId)
    }

    /**
     * @param {Batch} batch of an id that is not here
     * @returns {Promise<void>} when it is on disk
     * @throws where it cannot be; then nothing is left of it
     */
    async write(batch) {
        if (this.has(batch.id)) throw new Error(`batch ${batch.id} is here already`)
        const file = new SpoolFile(this.#pathOf(batch))
        this.#keep(batch, file)
        try {
            await this.#store(file, [batch])
        } catch (err) {
            this.#forget(batch, file)
            await file.remove()
            throw err
        }
        await file.close()
    }

    /**
     * The same for submitted mails.
     * @param {Buffer} document a batch
     * @returns {Promise<SpooledMail[]>} when they are on disk
     * @throws {BatchError} where one of them breaks a rule
     */
    async append(document) {
        const batch = parseBatch(document)
        const [refused] = batch.refused
        if (refused) throw new BatchError(refused.enhanced, refused.text)
        await this.#submitted.add(batch)
        return batch.mails
    }

    /** @returns {Promise<void>} when it is on disk that the mail may have been sent from now on */
    intend(mail) {
        return this.journal.intend(mail.key)
    }

    /** It was not sent after all, and waits. */
    withdraw(mail) {
        this.journal.withdraw(mail.key)
    }

    /** A server took it. It is over when that is told. */
    sent(mail) {
        if (this.#entries.get(mail.batch.id)?.over.has(mail.index) === false) this.journal.sent(mail.key)
    }

    /** The mail is over: its event is on disk, Haraka's queue has it, or another edge sends it. */
    done(mail) {
        const entry = this.#entries.get(mail.batch.id)
        if (!entry || entry.over.has(mail.index)) return
        this.journal.done(mail.key)
        this.#settle(mail)
        if (entry.file.waiting === 0) this.#remove(entry.file)
    }

    /** Resolves when all that was asked for is on disk. */
    async close() {
        await this.#submitted.idle()
        await this.#folder.idle()
        await this.journal.close()
        await this.#shared?.close()
        this.#shared = null
    }

    #readAll() {
        const pending = this.journal.pending()
        const names = fs.readdirSync(this.dir).filter((name) => name.endsWith(SUFFIX))
        const left = names.flatMap((name) => this.#read(new SpoolFile(path.join(this.dir, name))))
        return left.map((mail) => {
            if (this.journal.wasSent(mail.key)) return { mail, fate: 'sent' }
            const isInDoubt = pending.has(mail.key) && !this.neverLost.has(mail.stream)
            return { mail, fate: isInDoubt ? 'unknown' : 'send' }
        })
    }

    /** @returns {SpooledMail[]} what is not over in a file of an earlier life */
    #read(file) {
        const { documents, tornBytes } = file.read()
        if (tornBytes) log.warning('torn batch dropped', { file: file.path, bytes: tornBytes })
        const left = documents.flatMap(({ document, queuedAt }) => {
            const batch = readable(document, queuedAt, file)
            return batch ? this.#takeUp(batch, file) : []
        })
        if (file.waiting === 0) this.#remove(file)
        return left
    }

    #takeUp(batch, file) {
        this.#keep(batch, file)
        return batch.mails.filter((mail) => {
            const isOver = this.journal.wasOver(mail.key)
            if (isOver) this.#settle(mail)
            return !isOver
        })
    }

    #keep({ id, teamId, broadcastId, mails, document }, file) {
        this.#entries.set(id, { file, over: new Set() })
        file.batchIds.push(id)
        file.waiting += mails.length
        this.quota.add(teamId, { mails: mails.length, bytes: document.length })
        this.#count(broadcastId, mails.length)
    }

    /** As if the batch had never been here. */
    #forget({ id, teamId, broadcastId, mails, document }, file) {
        this.#entries.delete(id)
        file.waiting -= mails.length
        this.quota.remove(teamId, { mails: mails.length, bytes: document.length })
        this.#count(broadcastId, -mails.length)
    }

    #settle({ batch, index }) {
        const { over, file } = this.#entries.get(batch.id)
        over.add(index)
        file.waiting -= 1
        const bytes = over.size === batch.mails.length ? batch.document.length : 0
        this.quota.remove(batch.teamId, { mails: 1, bytes })
        this.#count(batch.broadcastId, -1)
    }

    #count(broadcastId, count) {
        if (broadcastId !== 0) this.broadcasts.add(broadcastId, count)
    }

    async #remove(file) {
        if (file === this.#shared) this.#shared = null
        try {
            await file.remove()
        } catch (err) {
            return log.error('spool file not deleted', { file: file.path, reason: err.message })
        }
        // Until here a power cut would bring it back, and the journal must know what of it is over.
        for (const id of file.batchIds) this.#entries.delete(id)
    }

    *#keysOver() {
        for (const [id, { over }] of this.#entries) for (const index of over) yield `${id}/${index}`
    }

    async #append(batches) {
        const file = (this.#shared ??= new SpoolFile(this.#pathOf(batches[0])))
        for (const batch of batches) this.#keep(batch, file)
        try {
            await this.#store(file, batches)
        } catch (err) {
            for (const batch of batches) this.#forget(batch, file)
            this.#shared = null
            await (file.waiting === 0 ? this.#remove(file) : file.close())
            throw err
        }
        if (file.mails < SHARED_MAILS && file.size < SHARED_BYTES) return
        if (file === this.#shared) this.#shared = null
        await file.close()
    }

    async #store(file, batches) {
        const began = process.hrtime.bigint()
        const isNew = file.size === 0
        await file.append(batches)
        if (isNew) await this.#folder.add()
        this.onSync(Number(process.hrtime.bigint() - began) / 1e9)
    }

    #pathOf(batch) {
        return path.join(this.dir, `${batch.id}${SUFFIX}`)
    }
}

/** @returns {Batch | null} null for one of another version; its file is kept for whoever can read it */
function readable(document, queuedAt, file) {
    try {
        return parseBatch(document, queuedAt)
    } catch (err) {
        if (!(err instanceof BatchError)) throw err
        log.error('spooled batch unreadable', { file: file.path, reason: err.message })
        file.waiting += 1
        return null
    }
}

module.exports = { MailSpool }
