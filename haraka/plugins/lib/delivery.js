'use strict'

// A job on its way through the lanes.

const NONE = Object.freeze([])

class Delivery {
    #content = null
    #intended = null

    /** Connections that it was lost on. */
    tries = 0
    faults = NONE
    /** What a fair queue looks at. */
    recipients
    stream
    teamId
    flow

    /** @param {import('./lanes').Job} job */
    constructor(job) {
        this.job = job
        this.recipients = job.recipients
        this.stream = job.stream
        this.teamId = job.teamId
        this.flow = job.flow
    }

    /** @returns {Promise<Buffer[]>} the job is asked once */
    content() {
        return (this.#content ??= this.job.content())
    }

    /** @returns {Promise<void>} the job is asked once, and once more after each `withdraw` */
    intend() {
        return (this.#intended ??= this.job.intend())
    }

    /** Its text was not sent: no earlier life can have sent it, whatever becomes of this one. */
    withdraw() {
        if (this.#intended === null) return
        this.#intended = null
        this.job.withdraw()
    }

    /** What went wrong on the way. @param {string} fault */
    note(fault) {
        this.faults = [...this.faults, fault]
    }

    /**
     * The same for all recipients, where no server has said it.
     * @param {object} verdict fields of `Result`
     * @returns {import('./lanes').Result[]}
     */
    all(verdict) {
        return this.recipients.map((recipient) => ({ recipient, ...verdict }))
    }
}

module.exports = { Delivery }
