'use strict'

// What the lanes answer of a job: `Outcome` in lanes.js.

const { NoMx } = require('./mx')

const NO_SERVER = {
    mx: null,
    ip: null,
    port: null,
    sourceIp: null,
    tls: null,
    tlsVersion: null,
    connectionMail: null,
    conversation: [],
    lookupError: null,
}

/** @param {import('./transaction').Transaction} transaction that is over */
function outcomeOf({ connection, delivery, results, steps }, { source, provider }) {
    const { server, port, sourceIp, tls, tlsVersion, mails } = connection
    return {
        results,
        mx: server.name,
        ip: server.ip,
        port,
        sourceIp,
        source: source.name,
        provider,
        tls,
        tlsVersion,
        connectionMail: mails,
        conversation: steps,
        faults: mails === 1 ? [...connection.faults, ...delivery.faults] : delivery.faults,
        lookupError: null,
    }
}

/**
 * No connection came about.
 * @param {import('./delivery').Delivery} delivery
 * @param {Error | import('./opening').DialError} err
 * @param {{source?: import('./lanes').Source, provider?: string, port?: number}} lane
 */
function outcomeOfNoConnection(delivery, err, { source, provider, port }) {
    const { server, faults = [] } = err
    return {
        ...NO_SERVER,
        results: delivery.all(server ? dialVerdict(err) : lookupVerdict(err)),
        mx: server?.name ?? null,
        ip: server?.ip ?? null,
        port: server ? port : null,
        source: source?.name ?? null,
        provider: provider ?? null,
        faults: [...faults, ...delivery.faults],
        lookupError: server ? null : err,
    }
}

function lookupVerdict(err) {
    const kind = err instanceof NoMx ? 'refused' : 'deferred'
    return { kind, code: null, enhanced: err.status ?? '4.4.3', response: err.message }
}

/** A server that refuses us in its greeting says nothing of the recipients: it may be tried again whatever the code. */
function dialVerdict({ reply, enhanced, faults }) {
    return {
        kind: 'deferred',
        code: reply?.code ?? null,
        enhanced,
        response: reply?.text ?? faults.join('; '),
    }
}

module.exports = { outcomeOf, outcomeOfNoConnection }
