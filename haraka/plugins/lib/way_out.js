'use strict'

// The way out of the edge, put together: mails from the spool go over the lanes (dispatch.js), and what is deferred
// waits in Haraka's queue (tail.js).

const { setTimeout: sleep } = require('node:timers/promises')

const { steadyNow } = require('./clock')
const { Dispatcher } = require('./dispatch')
const { Holds } = require('./holds')
const { Lanes } = require('./lanes')
const log = require('./log')
const metrics = require('./metrics')
const names = require('./names')
const { Outcomes } = require('./outcomes')
const { QueueFiles } = require('./queue_files')
const { Retries } = require('./retries')
const { Returns } = require('./returns')
const { Routes } = require('./routes')
const { Shapers } = require('./shapers')
const { signedParts } = require('./signing')
const { spoolState } = require('./spool_state')
const { Tail } = require('./tail')
const { TlsPolicy } = require('./tls_policy')
const { ToldState } = require('./told_state')

const LOOK_MS = 500
const DRAIN_LOOK_MS = 25
// Of the time to drain, for writing down what became of the last mails.
const SETTLING_MS = 1000

class WayOut {
    /**
     * @param {typeof import('./services')} services
     * @param {import('./settings').settings} settings
     * @param {object} qfile Haraka/outbound/qfile
     */
    constructor(
        { mailSpool, journal, redis, report, resolver, mx, sts, spool, suppressed },
        settings,
        qfile,
    ) {
        const { hostname, machineName: edge, edgeName: process, lanePatience: patience, neverLost } = settings
        this.mailSpool = mailSpool
        // An attempt is told by an event. What is in the spool is few; the queue goes on for days.
        this.hasRoomForEvents = () => spool.backlogBytes <= settings.maxBacklogBytes
        this.shapers = new Shapers({ redis, edge, process, hostname })
        this.holds = new Holds({ redis })
        this.holds.onChange = () => this.#holdsChanged()
        this.lanes = new Lanes({
            routes: new Routes({ mx, sts, allowLocal: settings.allowLocalMx }),
            sources: () => this.shapers.sources,
            shapers: this.shapers,
            isHeld: ({ broadcastId }) => this.holds.of(broadcastId) !== null,
            tls: new TlsPolicy({ resolver, ca: settings.outboundCa }),
            connections: settings.outboundConnections,
            port: settings.deliveryPort,
        })
        this.outcomes = new Outcomes({
            report,
            neverLost,
            retries: new Retries(settings.retrySchedule, settings.providerSchedules),
            returns: new Returns({
                hostname,
                submit: async (document) => this.dispatcher.take(await mailSpool.append(document)),
            }),
        })
        const { holds, lanes, outcomes } = this
        const shared = { holds, lanes, outcomes, sign: signedParts, patience }
        this.tail = new Tail({
            ...shared,
            suppressed,
            neverLost,
            files: new QueueFiles(settings.queueDir, qfile),
            journal,
            atOnce: settings.retriesAtOnce,
            maxFiles: settings.maxQueuedMails,
        })
        this.dispatcher = new Dispatcher({ ...shared, spool: mailSpool, tail: this.tail })
        const whatIsLeft = { mailSpool, tail: this.tail, events: spool }
        this.told = [
            new ToldState({ redis, key: names.laneStateKey(process), read: () => this.lanes.state() }),
            new ToldState({ redis, key: names.spoolStateKey(process), read: () => spoolState(whatIsLeft) }),
        ]
    }

    /** To be called before Haraka reads its queue, and before anything is given to the dispatcher. */
    async start() {
        await Promise.all([this.shapers.start(), this.holds.start()])
        await this.#takeUp()
        for (const state of this.told) state.start()
        setInterval(() => this.hasRoomForEvents() && this.tail.tick(), LOOK_MS).unref()
        setInterval(() => this.dispatcher.takeBack(), LOOK_MS).unref()
    }

    /** Of what an earlier life left in the spool: what is in the queue already, and who has not been told. */
    async #takeUp() {
        const { left } = this.mailSpool
        if (left.length) log.info('mails left by an earlier life', { mails: left.length })
        const queued = await this.tail.recover(left)
        for (const { mail } of left) if (queued.has(mail.key)) this.mailSpool.done(mail)
        this.mailSpool.left = left.filter(({ mail }) => !queued.has(mail.key))
        const submitted = left.map(({ mail }) => mail).filter(({ batch }) => batch.submitter !== null)
        this.outcomes.tellAccepted(submitted.filter(({ isKeyed }) => !isKeyed))
    }

    #holdsChanged() {
        this.lanes.holdBack()
        this.dispatcher.reconsider()
        this.tail.reconsider()
    }

    /** Begins nothing any more, waits for what is under way, tells what became of it. @param {number} deadline in ms */
    async drain(deadline) {
        this.dispatcher.close()
        this.tail.close()
        this.holds.close()
        await this.lanes.close(deadline - SETTLING_MS)
        while (this.dispatcher.settling + this.tail.settling > 0 && steadyNow() < deadline)
            await sleep(DRAIN_LOOK_MS)
        for (const state of this.told) await state.close()
        await this.shapers.close()
    }

    measure() {
        const { lanes, tail } = this
        metrics.gauge(
            'kibamail_lanes_waiting',
            'Mails that wait for room in their lanes',
            () => lanes.counts.waiting,
        )
        metrics.gauge('kibamail_deliveries', 'Mails that are being sent', () => lanes.counts.inFlight)
        metrics.gauge('kibamail_lane_connections', 'Connections to receivers', () => lanes.counts.connections)
        metrics.gauge('kibamail_queue', 'Mails that wait for another attempt', () => tail.counts.waiting)
    }
}

module.exports = { WayOut }
