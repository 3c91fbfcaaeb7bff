'use strict'

// Haraka's queue files: four bytes of length, then that many bytes of JSON (Haraka's `todo`), then the mail, with its
// dots stuffed. Their names say when the next attempt is due (Haraka/outbound/qfile.js):
//
//   <arrival>_<next attempt>_<attempts>_<pid>_<uid>_<counter>_<host>
//
// Of our own files the uid is the todo's uuid, so that the name of a file tells whose mail it holds.

const fs = require('node:fs/promises')
const path = require('node:path')

const { stuff, unstuff } = require('./dot_stuffing')
const { FLAGS, writeDurably } = require('./durable_write')
const { GroupCommit } = require('./group_commit')
const { syncFolder } = require('./sync_folder')

const LENGTH_BYTES = 4
// Haraka's own names of files that hold no whole mail.
const NOT_A_MAIL = /^(__tmp__)?\.|^error\./

class QueueFiles {
    #folder = new GroupCommit(() => syncFolder(this.dir))

    /**
     * @param {string} dir Haraka's queue folder; must be there
     * @param {object} qfile Haraka/outbound/qfile
     */
    constructor(dir, qfile) {
        this.dir = dir
        this.qfile = qfile
    }

    /**
     * @param {object} todo what stands before the mail; `uuid` and `queue_time` also go into the name
     * @param {Buffer} mail not dot-stuffed
     * @param {{dueAt: number, attempts: number}} when in milliseconds since 1970; attempts that have failed
     * @returns {Promise<string>} its name, when it is on disk
     */
    async write(todo, mail, { dueAt, attempts }) {
        const file = this.qfile.name({
            arrival: todo.queue_time,
            next_attempt: dueAt,
            attempts,
            uid: todo.uuid,
        })
        const head = Buffer.from(JSON.stringify(todo))
        const length = Buffer.alloc(LENGTH_BYTES)
        length.writeUInt32BE(head.length)
        const unfinished = this.pathOf(`${this.qfile.platformDOT}${file}`)
        try {
            await createDurably(unfinished, [length, head, stuff(mail)])
            await fs.rename(unfinished, this.pathOf(file))
            await this.#folder.add()
        } catch (err) {
            for (const name of [unfinished, this.pathOf(file)]) await fs.rm(name, { force: true })
            throw err
        }
        return file
    }

    /** @returns {Promise<object>} the todo */
    async readHead(file) {
        const handle = await fs.open(this.pathOf(file))
        try {
            const { buffer } = await handle.read(Buffer.alloc(LENGTH_BYTES), 0, LENGTH_BYTES, 0)
            const { size } = await handle.stat()
            const length = Math.min(buffer.readUInt32BE(), size)
            return JSON.parse((await handle.read(Buffer.alloc(length), 0, length, LENGTH_BYTES)).buffer)
        } finally {
            await handle.close()
        }
    }

    /** @returns {Promise<Buffer>} the mail, not dot-stuffed */
    async readMail(file) {
        const bytes = await fs.readFile(this.pathOf(file))
        return unstuff(bytes.subarray(LENGTH_BYTES + bytes.readUInt32BE()))
    }

    /** @returns {Promise<string>} the file's new name */
    async postpone(file, { dueAt, attempts }) {
        const parts = { ...this.qfile.parts(file), next_attempt: dueAt, attempts }
        const name = this.qfile.name(parts)
        await fs.rename(this.pathOf(file), this.pathOf(name))
        return name
    }

    /** Resolves when it is gone from the disk for good. */
    async remove(file) {
        await fs.rm(this.pathOf(file), { force: true })
        await this.#folder.add()
    }

    /** @returns {Promise<string[]>} the names of the whole mails in the queue */
    async list() {
        const files = await fs.readdir(this.dir)
        return files.filter((file) => !NOT_A_MAIL.test(file) && this.qfile.parts(file))
    }

    /** @returns {Promise<'none' | 'damaged' | 'gone'>} whether there is hope for a file that could not be read */
    async damageOf(file) {
        try {
            await this.readHead(file)
            return 'none'
        } catch (err) {
            if (err.code === 'ENOENT') return 'gone'
            return err instanceof SyntaxError ? 'damaged' : 'none'
        }
    }

    /** Keeps a file that cannot be read out of Haraka's sight, as Haraka does itself. */
    async setAside(file) {
        await fs.rename(this.pathOf(file), this.pathOf(`error.${file}`))
    }

    /** @returns {{uuid: string, dueAt: number, attempts: number}} what the name tells; uuid: the todo's */
    partsOf(file) {
        const { uid, next_attempt: dueAt, attempts } = this.qfile.parts(file)
        return { uuid: uid, dueAt, attempts }
    }

    pathOf(file) {
        return path.join(this.dir, file)
    }
}

async function createDurably(file, pieces) {
    const handle = await fs.open(file, FLAGS.create)
    try {
        await writeDurably(handle, pieces)
    } finally {
        await handle.close()
    }
}

module.exports = { QueueFiles }
