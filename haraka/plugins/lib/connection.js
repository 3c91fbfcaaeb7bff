'use strict'

// A connection that is ready for mail: one transaction after the other, until it is ended.

const { steadyNow } = require('./clock')
const { parseReply } = require('./reply')
const { Transaction } = require('./transaction')

class Connection {
    #transaction = null

    /** Called when it can take a mail (again), @type {() => void} */
    onFree = () => {}
    /** Called once, when it takes no mail any more. @type {() => void} */
    onEnding = () => {}
    /** Called once, when it is gone. @type {() => void} */
    onClosed = () => {}
    /** Called with each reply that decides a mail or a recipient. */
    onAnswer = () => {}
    /** Called with each transaction that is over, before `onFree`. */
    onDone = () => {}
    /** Called with a delivery that the server never heard of: another connection may have it. */
    onAgain = () => {}
    mails = 0
    since = steadyNow()
    idleSince = 0
    isOpen = true

    /**
     * @param {import('./opening').Opened & {source: import('./lanes').Source, port: number, faults: string[]}} opened
     * @param {import('./timeouts').Timeouts} timeouts
     */
    constructor(opened, timeouts) {
        const { wire, extensions } = opened
        Object.assign(this, opened, { timeouts })
        this.pipelining = extensions.has('PIPELINING')
        this.eightBit = extensions.has('8BITMIME')
        this.utf8 = extensions.has('SMTPUTF8')
        this.declaresSize = extensions.has('SIZE')
        // RFC 1870 section 4: none, or 0, is no fixed limit.
        this.largest = Number(extensions.get('SIZE')) || Infinity
        wire.deadline = Infinity
        wire.onReply = (code, reply) => this.#take(code, reply)
        wire.onLost = (reason) => this.#lost(reason)
    }

    /** For people. */
    get name() {
        return `${this.server.name} [${this.server.ip}]`
    }

    /** @param {import('./delivery').Delivery} delivery */
    begin(delivery) {
        this.mails++
        this.#transaction = new Transaction(this, delivery)
        this.#transaction.start()
    }

    /** @param {number} timeout milliseconds until there must be a reply, or more to write */
    write(bytes, encoding, timeout, written) {
        this.wire.deadline = steadyNow() + timeout
        this.wire.write(bytes, encoding, written)
    }

    /**
     * The transaction is over.
     * @param {'free' | 'reset' | 'close'} next reset: before the next mail; close: the server will not, or must not,
     *   hear of another one
     */
    over(next) {
        this.#transaction = null
        this.wire.deadline = Infinity
        // What is said already would be taken for the answer to the next mail.
        if (next === 'close' || !this.isOpen || this.wire.hasMore) this.destroy()
        else if (next === 'reset') this.#reset()
        else this.onFree()
    }

    /** RFC 5321 section 4.1.1.5. */
    #reset() {
        this.#transaction = {
            take: (code) => this.over(code < 300 ? 'free' : 'close'),
            lost: () => {},
        }
        this.write('RSET\r\n', 'latin1', this.timeouts.reset)
    }

    /** Says goodbye. */
    quit() {
        if (!this.isOpen) return
        this.#ending()
        this.wire.deadline = steadyNow() + this.timeouts.quit
        this.wire.end('QUIT\r\n')
    }

    destroy() {
        this.#ending()
        this.wire.lose('closed')
    }

    #ending() {
        if (!this.isOpen) return
        this.isOpen = false
        this.onEnding()
    }

    #take(code, reply) {
        if (this.#transaction) this.#transaction.take(code, reply)
        else this.#idleReply(code, reply)
    }

    /** RFC 5321 section 3.8: a server that is about to close says 421 at any time. */
    #idleReply(code, reply) {
        if (code === 421) this.onAnswer({ ...parseReply(reply), step: 'idle' })
        this.destroy()
    }

    #lost(reason) {
        this.#ending()
        const transaction = this.#transaction
        this.#transaction = null
        transaction?.lost(reason)
        this.onClosed()
    }
}

module.exports = { Connection }
