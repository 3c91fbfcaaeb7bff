'use strict'

// The slow tail: mails that wait for another attempt, in Haraka's queue files. When one is due Haraka reads it, and the
// attempt goes over the lanes as the first one did.
//
// In memory are the names of the files that wait, and a bounded number of mails that are in the lanes. One provider has
// a quarter of that number at most, so that what waits for a slow one does not hold up the others; the rest of its mails
// stand in line, and the next goes when one has left its lane.
//
// What is due of a broadcast that is held back (holds.js) stands aside; all of a cancelled one is given up at once.

const { steadyNow } = require('./clock')
const { groupBy } = require('./group_by')
const log = require('./log')
const { jobOf } = require('./mail_job')
const { persist } = require('./persist')
const {
    batchOfUuid,
    broadcastOfUuid,
    domainOf,
    isSubmitted,
    mailsOf,
    todoOf,
    withText,
} = require('./queued_mail')
const { Tally } = require('./tally')
const { Timers } = require('./timers')

const KEY = 'q/' // in the journal: q/<todo.uuid>/<attempts that have failed>
const SHARE = 1 / 4

class Tail {
    #timers = new Timers((file) => this.#due.push(file))
    #due = [] // files, in order
    #underWay = 0
    #ofProvider = new Map() // provider → files of it in the lanes
    #inLine = new Map() // provider → files that are due, while it has its quarter
    #held = [] // files that are due, while their broadcasts are held back
    #size = 0
    #settling = 0
    #isClosed = false

    /** Files of each broadcast. */
    broadcasts = new Tally()

    /**
     * @param {object} options
     * @param {import('./queue_files').QueueFiles} options.files
     * @param {(file: string) => void} options.read has Haraka read a queue file, and calls `attempt` or
     *   `unreadable`
     * @param {import('./holds').Holds} options.holds
     * @param {import('./lanes').Lanes} options.lanes
     * @param {import('./journal').Journal} options.journal
     * @param {import('./outcomes').Outcomes} options.outcomes
     * @param {import('./suppressed').Suppressed} options.suppressed
     * @param {(mail: object) => Promise<Buffer[]>} options.sign what leaves of a mail
     * @param {Set<string>} options.neverLost streams whose mail is sent again where it may have been sent
     * @param {number} options.patience seconds until a mail is looked at again that found no room in its lane
     * @param {number} options.atOnce files in the lanes at a time
     * @param {number} options.maxFiles above which no mail is taken back from a lane
     */
    constructor(options) {
        Object.assign(this, options)
    }

    /** @returns {{waiting: number, underWay: number}} files that wait for their time, and files in the lanes */
    get counts() {
        return { waiting: this.#size - this.#underWay, underWay: this.#underWay }
    }

    /** How many outcomes are on their way to the disk. */
    get settling() {
        return this.#settling
    }

    get isFull() {
        return this.#size >= this.maxFiles
    }

    /**
     * What an earlier life left, to be called before Haraka reads its queue.
     * @param {{mail: import('./spooled_mail').SpooledMail, fate: string}[]} left in the spool
     * @returns {Promise<Set<string>>} keys of those of them that are in the queue already
     */
    async recover(left) {
        const files = await this.files.list()
        await this.#recoverIntended(files)
        const batches = new Set(left.map(({ mail }) => mail.batch.id))
        const keys = new Set()
        for (const file of files.filter((name) => batches.has(batchOfUuid(this.files.partsOf(name).uuid)))) {
            for (const { batch, index } of mailsOf(await this.files.readHead(file)))
                keys.add(`${batch.id}/${index}`)
        }
        return keys
    }

    /** Mails that may have been sent when the edge died. */
    async #recoverIntended(files) {
        const intended = new Set([...this.journal.pending()].filter((key) => key.startsWith(KEY)))
        for (const file of files.filter((name) => intended.has(this.#keyOf(name)))) {
            const mails = mailsOf(await this.files.readHead(file))
            if (this.neverLost.has(mails[0].stream)) continue
            const text = () => this.files.readMail(file)
            for (const mail of mails)
                await this.outcomes.tellUnknown(mail, this.files.partsOf(file).attempts + 1, text)
            await this.files.remove(file)
        }
        for (const key of intended) this.journal.done(key)
    }

    /**
     * @param {object[]} mails of one text
     * @param {Buffer} text
     * @param {{attempts: number, dueAt: number}} when attempts: that have failed; dueAt: in milliseconds since 1970
     * @returns {Promise<void>} when they are on disk
     */
    async add(mails, text, when) {
        // The domains may have other routes by then.
        const groups = groupBy(mails, ({ recipient }) => domainOf(recipient))
        const written = await Promise.allSettled(
            groups.map((group) => this.files.write(todoOf(group, text), text, when)),
        )
        const files = written.filter(({ value }) => value).map(({ value }) => value)
        const failed = written.find(({ reason }) => reason)
        if (failed) {
            // All or nothing, as it will be tried again.
            await Promise.all(files.map((file) => this.files.remove(file)))
            throw failed.reason
        }
        for (const file of files) this.schedule(file)
    }

    /** @param {string} file of the queue, new here */
    schedule(file) {
        this.#size++
        this.#count(file, 1)
        this.#wait(file, this.files.partsOf(file).dueAt)
    }

    /** Begins what is due. To be called about every second. */
    tick() {
        this.#timers.tick()
        this.#begin()
    }

    /** Makes everything due at once. */
    flush() {
        this.#timers.flush()
        this.#begin()
    }

    /** Looks anew at what is held back. To be called when other broadcasts are than before. */
    reconsider() {
        this.#due = this.#held.concat(this.#takeCancelled(), this.#due)
        this.#held = []
        this.#begin()
    }

    /** @returns {string[]} what waits of broadcasts that are cancelled; there rarely is any */
    #takeCancelled() {
        const ids = [...this.broadcasts.entries].map(([id]) => id)
        if (!ids.some((id) => this.holds.of(id) === 'cancel')) return []
        const isCancelled = (file) => this.#holdOf(file) === 'cancel'
        return this.#timers.take(isCancelled).concat(this.#takeFromLine(isCancelled))
    }

    /** Begins nothing any more: it waits for the next start. */
    close() {
        this.#isClosed = true
    }

    /**
     * A queue file was read.
     * @param {string} file
     * @param {object} todo what stands before its mail
     */
    async attempt(file, todo) {
        const { send_at: sendAt } = todo.notes.mail
        const early = sendAt - Date.now()
        if (early > 0) return this.#putOff(file, steadyNow() + early)
        const mails = await this.#stillWanted(mailsOf(todo), this.files.partsOf(file).attempts)
        if (mails.length === 0) return this.#finish(file)
        const provider = await this.#providerOf(todo.domain)
        if (this.#isClosed) return
        const inLanes = this.#ofProvider.get(provider) ?? 0
        if (inLanes >= this.atOnce * SHARE) return this.#standInLine(provider, file)
        this.#ofProvider.set(provider, inLanes + 1)
        this.lanes.send(this.#jobOf(file, mails, todo.notes.mail.size, provider))
    }

    /**
     * Of submitted mails those whose recipients were not suppressed while they waited. What was may be told again at the
     * next attempt, as the file still names it.
     */
    async #stillWanted(mails, attempts) {
        if (!isSubmitted(mails[0].batch)) return mails
        this.#settling++
        const refusals = await Promise.all(mails.map((mail) => this.suppressed.refusalOf(mail)))
        const told = mails.map(
            (mail, i) => refusals[i] && this.outcomes.tellSuppressed(mail, attempts, refusals[i]),
        )
        await Promise.all(told)
        this.#settling--
        return mails.filter((_, i) => !refusals[i])
    }

    /** A queue file cannot be read. One that will never be is kept for a person to look at. */
    async unreadable(file, reason) {
        log.error('queue file not read', { file, reason })
        const damage = await this.files.damageOf(file)
        if (damage === 'none') return this.#putOff(file)
        if (damage === 'damaged') await persist('queue file not set aside', () => this.files.setAside(file))
        this.#end(file)
    }

    #jobOf(file, mails, size, provider) {
        const text = () => this.files.readMail(file)
        const key = this.#keyOf(file)
        let intended = false
        return jobOf(mails, {
            attempt: this.files.partsOf(file).attempts + 1,
            size,
            content: async () => this.sign(withText(mails[0], await text())),
            original: text,
            intend: () => {
                intended = true
                return this.journal.intend(key)
            },
            withdraw: () => this.journal.withdraw(key),
            heldBack: () => {
                this.#underWay--
                this.#leave(provider)
                this.#holdBack(file, mails[0].broadcastId)
            },
            done: async (job, outcome) => {
                this.#settling++
                this.#leave(provider)
                await this.#settle(file, job, outcome)
                if (intended) this.journal.done(key)
                this.#settling--
            },
            takenBack: async () => {
                this.#leave(provider)
                this.#putOff(file)
            },
        })
    }

    /** Of the attempt that the file waits for: one that was deferred is over, whether the journal knows it or not. */
    #keyOf(file) {
        const { uuid, attempts } = this.files.partsOf(file)
        return `${KEY}${uuid}/${attempts}`
    }

    async #settle(file, job, outcome) {
        const fates = this.outcomes.judge(job, outcome)
        const again = fates.filter(({ type }) => type === 'deferred')
        const when = { attempts: job.attempt, dueAt: steadyNow() + (again[0]?.pause ?? 0) * 1000 }
        if (again.length === fates.length) {
            const renamed = await persist('queue file not renamed', () => this.files.postpone(file, when))
            await this.outcomes.tell(fates, job, outcome)
            this.#underWay--
            return this.#wait(renamed, when.dueAt)
        }
        if (again.length) {
            const mails = again.map(({ mail }) => mail)
            await persist('mail not queued', async () => this.add(mails, await job.original(), when))
        }
        await this.outcomes.tell(fates, job, outcome)
        await this.#finish(file)
    }

    async #providerOf(domain) {
        try {
            return (await this.lanes.routeOf(domain)).provider
        } catch {
            return null // the lanes will tell why
        }
    }

    #wait(file, at) {
        if (at <= steadyNow() || this.#holdOf(file) === 'cancel') this.#due.push(file)
        else this.#timers.add(file, at)
    }

    #begin() {
        if (this.#isClosed) return
        let room
        while ((room = Math.min(this.#due.length, this.atOnce - this.#underWay)) > 0)
            for (const file of this.#due.splice(0, room)) this.#beginWith(file)
    }

    #beginWith(file) {
        if (this.#holdOf(file)) this.#holdBack(file, this.#broadcastOf(file))
        else this.#read(file)
    }

    #read(file) {
        this.#underWay++
        this.read(file)
    }

    #holdBack(file, broadcastId) {
        if (this.holds.of(broadcastId) === 'cancel') this.#giveUp(file)
        else this.#held.push(file)
    }

    async #giveUp(file) {
        this.#underWay++
        this.#settling++
        try {
            const mails = mailsOf(await this.files.readHead(file))
            const { attempts } = this.files.partsOf(file)
            await Promise.all(mails.map((mail) => this.outcomes.tellCancelled(mail, attempts)))
            await this.#finish(file)
        } catch (err) {
            await this.unreadable(file, err.message)
        }
        this.#settling--
    }

    #takeFromLine(isChosen) {
        const taken = []
        for (const [provider, files] of this.#inLine) {
            taken.push(...files.filter(isChosen))
            const left = files.filter((file) => !isChosen(file))
            if (left.length) this.#inLine.set(provider, left)
            else this.#inLine.delete(provider)
        }
        return taken
    }

    #standInLine(provider, file) {
        this.#underWay--
        if (!this.#inLine.has(provider)) this.#inLine.set(provider, [])
        this.#inLine.get(provider).push(file)
    }

    /** There is no room in its lane, or its submitter said when. Not all at the same moment. */
    #putOff(file, until = steadyNow() + this.patience * 1000 * (1 + Math.random())) {
        this.#underWay--
        this.#timers.add(file, until)
    }

    #leave(provider) {
        const left = this.#ofProvider.get(provider) - 1
        if (left === 0) this.#ofProvider.delete(provider)
        else this.#ofProvider.set(provider, left)
        const line = this.#inLine.get(provider)
        if (!line || this.#isClosed) return
        this.#read(line.shift())
        if (line.length === 0) this.#inLine.delete(provider)
    }

    async #finish(file) {
        await persist('queue file not deleted', () => this.files.remove(file))
        this.#end(file)
    }

    #end(file) {
        this.#underWay--
        this.#size--
        this.#count(file, -1)
    }

    #count(file, count) {
        const broadcastId = this.#broadcastOf(file)
        if (broadcastId !== 0) this.broadcasts.add(broadcastId, count)
    }

    #holdOf(file) {
        return this.holds.of(this.#broadcastOf(file))
    }

    /** @returns {number} 0 for none */
    #broadcastOf(file) {
        return broadcastOfUuid(this.files.partsOf(file).uuid)
    }
}

module.exports = { Tail }
