'use strict'

// One mail on a connection: MAIL, RCPT, DATA, the text and the final dot. Commands go together where the server has
// PIPELINING (RFC 2920), but nothing follows the dot before its reply.

const { isAscii } = require('node:buffer')

const { steadyNow } = require('./clock')
const { asData, keepData } = require('./dot_stuffing')
const { isAsciiText, mailCommand, needsUtf8, rcptCommand } = require('./envelope')
const { parseReply, step } = require('./reply')

// A mail goes in one piece; a large one in several, each within its own time.
const PIECE = 256 * 1024
// A connection that was kept may be gone by the server's will before it says so.
const TRIES_ON_KEPT_CONNECTIONS = 3

// Whose reply is awaited. Nobody's while the text is made.
const [NOTHING, MAIL, RCPT, DATA, DOT, EMPTY_DOT] = [0, 1, 2, 3, 4, 5]
// Positions of recipients: most mails have one.
const [ONLY, NONE] = [[0], []]
const STEPS = [null, 'mail', 'rcpt', 'data', 'dot', 'dot']

class Transaction {
    #awaited = NOTHING
    #since = 0
    #asked // positions of the recipients that RCPT names
    #answered = 0 // of those
    #isOver = false
    #parts = null // of the text
    #isNoted = false
    #isPreparing = false
    #mayFollow = false // the text
    #isHandedOver = false // the dot, to the system

    /**
     * @param {import('./connection').Connection} connection
     * @param {import('./delivery').Delivery} delivery
     */
    constructor(connection, delivery) {
        this.connection = connection
        this.delivery = delivery
        /** What is told of the mail: the steps, and a result for each recipient. */
        this.steps = connection.mails === 1 ? [...connection.steps] : []
        this.results = new Array(delivery.recipients.length).fill(null)
    }

    start() {
        const { connection, delivery } = this
        const { job } = delivery
        if (connection.wire.hasMore) return queueMicrotask(() => this.#outOfTurn())
        if (!connection.utf8) this.#refuseNonAscii(job)
        if (job.size > connection.largest) {
            this.#decideRest(refusal('5.3.4', `the server takes no mail above ${connection.largest} octets`))
        }
        this.#asked = this.#undecided()
        // Never while the lane hands the mail over: it would begin the next one within this one.
        if (this.#asked.length === 0) queueMicrotask(() => this.#finish('free'))
        else if (connection.eightBit) this.#envelope()
        else this.#envelopeIfAscii()
    }

    /** RFC 6531 section 3.2: what needs SMTPUTF8 must not go to a server without it. */
    #refuseNonAscii({ smtputf8, sender, recipients }) {
        if (smtputf8) this.#decideRest(refusal('5.6.9', 'the server has no SMTPUTF8, which the header needs'))
        const cannot = refusal('5.6.7', 'the server has no SMTPUTF8, which the address needs')
        if (needsUtf8(sender)) this.#decideRest(cannot)
        recipients.forEach((address, i) => needsUtf8(address) && this.#decide([i], cannot))
    }

    /** Without 8BITMIME only ASCII may be sent (RFC 6152 section 3), and a signed mail cannot be converted. */
    async #envelopeIfAscii() {
        try {
            const parts = await this.delivery.content()
            if (this.#isOver) return
            if (parts.every(isAscii)) return this.#envelope()
            this.#decideRest(refusal('5.6.3', 'the server has no 8BITMIME, which the text needs'))
            this.#finish('free')
        } catch (err) {
            this.#withoutText(err, 'free')
        }
    }

    #envelope() {
        const { connection, delivery } = this
        const { timeouts } = connection
        const { job } = delivery
        let commands = mailCommand(job, connection)
        if (connection.pipelining) {
            this.#prepareText()
            for (const i of this.#asked) commands += rcptCommand(job.recipients[i], connection)
            commands += 'DATA\r\n'
        }
        this.#say(MAIL, commands, timeouts.mail)
    }

    #say(awaited, commands, timeout) {
        if (this.connection.wire.hasMore) return this.#outOfTurn()
        this.#awaited = awaited
        this.#since = steadyNow()
        // Node takes twice as long to write UTF-8.
        this.connection.write(commands, isAsciiText(commands) ? 'latin1' : 'utf8', timeout)
    }

    /** It is made and noted while the server answers. */
    #prepareText() {
        const failed = (err) => this.#withoutText(err, 'close')
        this.#isPreparing = true
        this.delivery.content().then((parts) => {
            this.#parts = parts
            this.#sendText()
        }, failed)
        this.delivery.intend().then(() => {
            this.#isNoted = true
            this.#sendText()
        }, failed)
    }

    /** @param {number} code @param {string} reply all its lines */
    take(code, reply) {
        if (this.#awaited !== NOTHING) {
            this.steps.push(step(STEPS[this.#awaited], steadyNow() - this.#since, reply))
        }
        if (code === 421) return this.#closing(reply)
        switch (this.#awaited) {
            case MAIL:
                return this.#takeMail(code, reply)
            case RCPT:
                return this.#takeRcpt(code, reply)
            case DATA:
                return this.#takeData(code, reply)
            case DOT:
                return this.#takeDot(code, reply)
            case EMPTY_DOT:
                return this.#finish('free')
            default:
                return this.#outOfTurn()
        }
    }

    #takeMail(code, reply) {
        if (code >= 300) this.#decideRest(this.#verdict(reply))
        if (this.connection.pipelining) this.#awaited = RCPT
        else if (code >= 300) this.#finish('reset')
        else this.#askNext()
    }

    #takeRcpt(code, reply) {
        const recipient = this.#asked[this.#answered++]
        if (code >= 300 && this.results[recipient] === null) this.#decide([recipient], this.#verdict(reply))
        if (!this.connection.pipelining) this.#askNext()
        else if (this.#answered === this.#asked.length) this.#awaited = DATA
    }

    /** Without PIPELINING. */
    #askNext() {
        const { connection, delivery } = this
        if (this.#answered < this.#asked.length) {
            const recipient = delivery.recipients[this.#asked[this.#answered]]
            this.#say(RCPT, rcptCommand(recipient, connection), connection.timeouts.rcpt)
        } else if (this.#undecided().length === 0) {
            this.#finish('reset')
        } else {
            this.#prepareText()
            this.#say(DATA, 'DATA\r\n', connection.timeouts.data)
        }
    }

    #takeData(code, reply) {
        const open = this.#undecided()
        if (code === 354 && this.connection.wire.hasMore) return this.#outOfTurn()
        if (code === 354 && open.length > 0) return this.#letTextFollow()
        // RFC 2920 section 3.1: a server may say 354 though nobody is left to send to.
        if (code === 354) return this.#say(EMPTY_DOT, '.\r\n', this.connection.timeouts.dot)
        if (code < 400) return this.#outOfTurn()
        if (open.length > 0) this.#decide(open, this.#verdict(reply))
        this.#finish('reset')
    }

    /** Whatever it says was never an answer: who takes it for one tells a mail as delivered that nobody has. */
    #outOfTurn() {
        this.connection.wire.lose('the server spoke out of turn')
    }

    #letTextFollow() {
        this.#awaited = NOTHING
        this.#mayFollow = true
        this.connection.wire.deadline = Infinity
        this.#sendText()
    }

    #sendText() {
        if (!this.#mayFollow || this.#parts === null || !this.#isNoted || this.#isOver) return
        this.#since = steadyNow()
        this.#awaited = DOT
        this.#sendFrom(0, asData(this.#parts))
        if (!this.connection.wire.isFlushed) keepData()
    }

    #sendFrom(from, data) {
        if (this.#isOver) return
        const { connection } = this
        const to = from + PIECE
        const isLast = to >= data.length
        const sent = (err) => {
            if (err) return
            if (isLast) this.#isHandedOver = true
            else this.#sendFrom(to, data)
        }
        const piece = from === 0 && isLast ? data : data.subarray(from, to)
        connection.write(piece, null, isLast ? connection.timeouts.dot : connection.timeouts.block, sent)
    }

    #takeDot(code, reply) {
        this.#decide(this.#undecided(), this.#verdict(reply))
        // A server that answers before it has the whole mail takes the rest for commands.
        this.#finish(this.#isHandedOver ? 'free' : 'close')
    }

    #closing(reply) {
        const verdict = this.#verdict(reply)
        if (this.#mayGoAgain()) return this.#again(`it answered ${reply}`)
        this.#decideRest(verdict)
        this.#finish('close')
    }

    /** The connection is gone. */
    lost(reason) {
        if (this.#isOver) return
        const awaited = STEPS[this.#awaited]
        const fault = `connection lost${awaited ? ` at ${awaited}` : ''}: ${reason}`
        if (this.#mayGoAgain()) return this.#again(fault)
        if (awaited) this.steps.push(step(awaited, null, ''))
        this.delivery.note(`${this.connection.name}: ${fault}`)
        // RFC 1047: the server may have the mail, though it could not say so.
        const kind = this.#awaited === DOT && this.#isHandedOver ? 'unknown' : 'deferred'
        this.#decideRest({ kind, code: null, enhanced: '4.4.2', response: fault })
        this.#finish('close')
    }

    #mayGoAgain() {
        const { connection, delivery } = this
        const unheard = this.#awaited === MAIL || (this.#awaited === NOTHING && !this.#isPreparing)
        return unheard && connection.mails > 1 && delivery.tries < TRIES_ON_KEPT_CONNECTIONS
    }

    #again(fault) {
        this.#isOver = true
        this.delivery.tries++
        this.delivery.withdraw()
        this.delivery.note(`${this.connection.name}: ${fault}`)
        this.connection.over('close')
        this.connection.onAgain(this.delivery)
    }

    /** Once DATA is said only the end of the connection, without a dot, keeps the mail from being taken. */
    #withoutText(err, next) {
        if (this.#isOver) return
        const response = `the text could not be made ready: ${err.message}`
        this.#decideRest({ kind: 'deferred', code: null, enhanced: '4.3.0', response })
        this.#finish(next)
    }

    #verdict(reply) {
        const { code, enhanced, text } = parseReply(reply)
        this.connection.onAnswer({ code, enhanced, text, step: STEPS[this.#awaited] })
        return { kind: kindOf(code), code, enhanced, response: text }
    }

    #undecided() {
        const { results } = this
        if (results.length === 1) return results[0] === null ? ONLY : NONE
        return results.flatMap((result, i) => (result === null ? [i] : []))
    }

    #decideRest(verdict) {
        this.#decide(this.#undecided(), verdict)
    }

    #decide(positions, verdict) {
        const { kind, code, enhanced, response } = verdict
        for (const i of positions) {
            this.results[i] = { recipient: this.delivery.recipients[i], kind, code, enhanced, response }
        }
    }

    #finish(next) {
        if (this.#isOver) return
        this.#isOver = true
        this.connection.onDone(this)
        this.connection.over(next)
    }
}

const refusal = (enhanced, response) => ({ kind: 'refused', code: null, enhanced, response })

function kindOf(code) {
    if (code < 300) return 'delivered'
    return code >= 500 ? 'refused' : 'deferred'
}

module.exports = { Transaction }
