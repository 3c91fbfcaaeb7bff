'use strict'

// How our hooks answer: work that returns goes on, work that throws a Refusal is answered with it, and any
// other failure is ours and temporary.

const constants = require('haraka-constants')
const DSN = require('haraka-dsn')

const log = require('./log')

/** A reply that says what to do next. `enhanced` as in RFC 3463: '5.7.1'. */
class Refusal extends Error {
    constructor(code, enhanced, text) {
        super(text)
        this.code = code
        this.enhanced = enhanced
    }
}

/** @returns {[number, object]} what Haraka's `next` takes */
function denial({ code, enhanced, message }) {
    const [, subject, detail] = enhanced.split('.').map(Number)
    return [code < 500 ? constants.denysoft : constants.deny, DSN.create(code, message, subject, detail)]
}

const OURS = new Refusal(
    451,
    '4.3.0',
    'A part that we need is away; nothing was taken, try again in a minute',
)

/**
 * @param {(connection: object, params: any) => Promise<any>} work resolves to nothing, or to what `next` takes
 * @returns a hook of Haraka
 */
function hook(work) {
    return function (next, connection, params) {
        work.call(this, connection, params).then(
            (answer = []) => next(...[answer].flat()),
            (err) => {
                if (err instanceof Refusal) return next(...denial(err))
                log.error('mail postponed', { reason: err.message, ...about(connection) })
                next(...denial(OURS))
            },
        )
    }
}

function about({ uuid, transaction, notes }) {
    return { transaction: transaction?.uuid ?? uuid, listener: notes?.listener?.name }
}

module.exports = { hook, Refusal, denial }
