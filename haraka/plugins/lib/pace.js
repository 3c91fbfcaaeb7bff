'use strict'

// How long a client may take. Haraka ends who is silent; a byte now and then would keep a connection for ever. So there is
// a time for all of a login, for all commands of a mail, and for its text by its length.

const states = require('haraka-constants').connection.state

class Pace {
    #progress = new WeakMap() // connection → what it has got done, and since when

    /**
     * @param {object} limits
     * @param {number} limits.idleMs from one mail to the text of the next
     * @param {number} limits.loginMs until a login, where one is needed
     * @param {number} limits.leastRate octets of a text in a second, beyond `idleMs`
     */
    constructor({ idleMs, loginMs, leastRate }) {
        Object.assign(this, { idleMs, loginMs, leastRate })
    }

    /**
     * To be asked again and again.
     * @param {object} connection Haraka's
     * @param {number} now
     * @returns {string | null} what the client has not got done in time
     */
    overdue(connection, now) {
        const { notes, state } = connection
        const isText = state === states.DATA
        const done = `${mailsOf(connection)} ${Boolean(notes.login)} ${isText}`
        const before = this.#progress.get(connection)
        if (before?.done !== done) {
            this.#progress.set(connection, { done, since: now })
            return null
        }
        const spent = now - before.since
        // In any other state it waits for us.
        if (isText) return spent > this.#textMs(connection) ? 'Your text comes too slowly' : null
        if (state !== states.CMD) return null
        if (notes.listener.login && !notes.login)
            return spent > this.loginMs ? 'You have not logged in' : null
        // Workers ask again and again while the edge is busy; Haraka ends them where they are silent.
        return spent > this.idleMs && !notes.login?.worker ? 'You have brought no mail' : null
    }

    #textMs({ notes, transaction }) {
        const octets = notes.reader?.size ?? transaction?.data_bytes ?? 0
        return this.idleMs + (octets / this.leastRate) * 1000
    }
}

const mailsOf = ({ msg_count: { accept, tempfail, reject } }) => accept + tempfail + reject

module.exports = { Pace }
