'use strict'

// Every environment variable that the edge reads, in one place. They are read once, at the first use of
// `settings`; a value that cannot be used stops the process with the variable's name.
// `node haraka/plugins/lib/settings.js` prints this table as Markdown.

const fs = require('node:fs')
const path = require('node:path')

const log = require('./log')

const text = (value) => value

function hostname(value) {
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value)) throw new Error('must be a host name')
    return value.toLowerCase()
}

function name(value) {
    if (!/^[\w.-]{1,60}$/.test(value)) throw new Error('must be at most 60 letters, digits, dots and dashes')
    return value
}

function readableFile(value) {
    try {
        fs.accessSync(value, fs.constants.R_OK)
    } catch {
        throw new Error(`must be a file that can be read, not ${value}`)
    }
    return path.resolve(value)
}

function certificates(value) {
    return value === '' ? undefined : fs.readFileSync(readableFile(value))
}

function logLevel(value) {
    const level = value.toLowerCase()
    if (!log.LEVELS.includes(level)) throw new Error(`must be one of ${log.LEVELS.join(', ')}`)
    return level
}

function integer(from, to) {
    return (value) => {
        if (!/^\d+$/.test(value) || Number(value) < from || Number(value) > to) {
            throw new Error(`must be a whole number from ${from} to ${to}`)
        }
        return Number(value)
    }
}

const port = integer(1, 65535)

function flag(value) {
    if (!/^[01]$/.test(value)) throw new Error('must be 0 or 1')
    return value === '1'
}

function url(value) {
    if (!URL.canParse(value)) throw new Error('must be a URL')
    return value.replace(/\/+$/, '')
}

function secret(value) {
    if (value.length < 32) throw new Error('must have 32 characters or more')
    return value
}

function encryptionKey(value) {
    if (!/^[0-9a-f]{64}$/i.test(value)) throw new Error('must be 64 hex digits (32 bytes)')
    return Buffer.from(value, 'hex')
}

function dnsServers(value) {
    const servers = value.split(',').map((server) => server.trim())
    return servers.filter((server) => server !== '')
}

/** `1m,5m*2,1h` → [60, 300, 300, 3600]: seconds to wait after the first, second … failed attempt. */
function retrySchedule(value) {
    const unit = { s: 1, m: 60, h: 3600, d: 86400 }
    return value.split(',').flatMap((step) => {
        const [, count, symbol, times = '1'] = /^\s*(\d+)([smhd])(?:\*(\d+))?\s*$/.exec(step) ?? []
        if (!Number(count) || !Number(times)) {
            throw new Error('must be pauses such as 1m,5m*2,1h (s, m, h or d; *n repeats)')
        }
        return Array(Number(times)).fill(Number(count) * unit[symbol])
    })
}

/** `google=1m,1h*3;yahoo=30m*4` → the provider's name → its schedule. */
function providerSchedules(value) {
    const entries = value.split(';').filter((entry) => entry.trim() !== '')
    return new Map(
        entries.map((entry) => {
            const [, provider, schedule] = /^\s*([\w.-]+)\s*=(.*)$/.exec(entry) ?? []
            if (!provider) throw new Error('must be pauses by provider, such as google=1m,1h*3;yahoo=30m*4')
            return [provider, retrySchedule(schedule)]
        }),
    )
}

function inDoubt(value) {
    if (!IN_DOUBT.includes(value)) throw new Error(`must be one of ${IN_DOUBT.join(', ')}`)
    return value
}

const IN_DOUBT = ['never-twice', 'never-lost']

const REQUIRED = null

// field: [variable, default, how it is read, meaning]
const VARIABLES = {
    edgeName: [
        'EDGE_NAME',
        'edge-1',
        name,
        'Name of this edge in events and claims; no two edges share one.',
    ],
    edgeHome: [
        'EDGE_HOME',
        '.kiba/edge',
        path.resolve,
        'Folder of the mails that it has taken and of unsent events; one edge at a time may have it.',
    ],
    nodes: [
        'KIBA_NODES',
        '1',
        integer(1, 64),
        'Processes behind the same listeners; with 2 or more each is an edge of its own: EDGE_NAME.1, EDGE_HOME/1 …',
    ],
    node: [
        'KIBA_NODE',
        '0',
        integer(0, 64),
        'Set by the first of several processes for the others: which of KIBA_NODES it is.',
    ],
    hostname: ['KIBA_HOSTNAME', 'mx.kibamail.test', hostname, 'Name in greeting, EHLO and Received.'],
    logLevel: ['LOG_LEVEL', 'INFO', logLevel, 'DEBUG, INFO, WARNING, ERROR or CRITICAL.'],

    host: ['KIBA_SMTP_HOST', '127.0.0.1', text, 'Address that the public listeners listen on.'],
    internalHost: ['KIBA_INTERNAL_HOST', '127.0.0.1', text, 'Address that the internal listener listens on.'],
    inboundPort: ['KIBA_SMTP_INBOUND_PORT', '22525', port, 'MX of the return paths; 25 in production.'],
    submissionPort: [
        'KIBA_SMTP_SUBMISSION_PORT',
        '22587',
        port,
        'Submission with STARTTLS; 587 in production.',
    ],
    otherSubmissionPort: [
        'KIBA_SMTP_OTHER_SUBMISSION_PORT',
        '0',
        integer(0, 65535),
        'The same once more, such as 2587 for networks that let nobody reach 587; 0: none.',
    ],
    smtpsPort: ['KIBA_SMTPS_PORT', '22465', port, 'Submission with TLS from the start; 465 in production.'],
    internalPort: ['EDGE_PORT', '22526', port, 'Where the workers hand mail over.'],
    healthHost: ['HEALTH_HOST', '127.0.0.1', text, 'Address of /health and /metrics.'],
    healthPort: [
        'KIBA_SMTP_HEALTH_PORT',
        '28084',
        port,
        'Port of /health and /metrics; with several processes this is for all of them, and the ports above for each.',
    ],
    tlsCert: ['KIBA_TLS_CERT', REQUIRED, readableFile, 'PEM file: the certificate, with its chain.'],
    tlsKey: ['KIBA_TLS_KEY', REQUIRED, readableFile, 'PEM file: its private key.'],

    redisUrl: ['REDIS_URL', 'redis://127.0.0.1:26379/0', url, 'Teams, domains, claims.'],
    webhookUrl: ['WEBHOOK_URL', 'http://127.0.0.1:28081', url, 'Base URL of the webhook receiver.'],
    webhookSecret: ['WEBHOOK_SECRET', REQUIRED, secret, 'Signs the events to the webhook receiver.'],
    internalSecret: ['INTERNAL_SECRET', REQUIRED, secret, 'Password of the workers.'],
    tokenSecret: ['TOKEN_SECRET', REQUIRED, secret, 'MAC key of the return path tokens.'],
    encryptionKey: ['ENCRYPTION_KEY', REQUIRED, encryptionKey, 'Opens the sealed DKIM keys; 64 hex digits.'],
    sign: ['KIBA_SIGN', '1', flag, '0: mail leaves without DKIM, because a smarthost signs it.'],
    claimTtl: ['CLAIM_TTL', '604800', integer(60, 31536000), 'Seconds for which a claim is kept.'],

    dnsServers: ['DNS_SERVERS', '', dnsServers, 'host:port, comma-separated; empty: those of the system.'],
    dnsTrusted: [
        'KIBA_DNS_TRUSTED',
        '0',
        flag,
        '1: the DNS servers validate DNSSEC, and nobody can change their answers on the way; needed for DANE. ' +
            'Servers on loopback are always trusted.',
    ],
    outboundCa: [
        'KIBA_OUTBOUND_CA',
        '',
        certificates,
        'PEM file: who vouches for receiving servers and MTA-STS policies; empty: the list of Node.js.',
    ],
    stsPort: ['KIBA_MTA_STS_PORT', '443', port, 'Port of the hosts of MTA-STS policies.'],
    deliveryPort: ['KIBA_DELIVERY_PORT', '25', port, 'Port of the receiving servers.'],
    allowLocalMx: ['KIBA_ALLOW_LOCAL_MX', '0', flag, '1: deliver to private and loopback addresses too.'],
    retrySchedule: [
        'KIBA_RETRY_SCHEDULE',
        '1m,5m,15m,30m*2,1h*4,4h*10',
        retrySchedule,
        'Pauses between attempts; after the last one the mail has bounced.',
    ],
    providerSchedules: [
        'KIBA_PROVIDER_RETRIES',
        '',
        providerSchedules,
        'The same for some providers, by the names that `./kiba lanes` shows: google=1m,1h*3;yahoo=30m*4.',
    ],
    broadcastInDoubt: [
        'KIBA_BROADCAST_IN_DOUBT',
        'never-twice',
        inDoubt,
        "A broadcast's mail that may have been sent (RFC 1047): never-twice tells it as unknown, never-lost sends it again.",
    ],
    transactionalInDoubt: [
        'KIBA_TRANSACTIONAL_IN_DOUBT',
        'never-lost',
        inDoubt,
        'The same for any other mail.',
    ],
    retriesAtOnce: [
        'KIBA_RETRIES_AT_ONCE',
        '1000',
        integer(4, 100000),
        'Queued mails that are in the lanes at the same time.',
    ],
    lanePatience: [
        'KIBA_LANE_PATIENCE',
        '60',
        integer(1, 86400),
        'Seconds that a mail waits for room in its lane before it goes to the queue.',
    ],
    maxQueuedMails: [
        'KIBA_MAX_QUEUED_MAILS',
        '200000',
        integer(1, 10000000),
        'Queued mails above which no mail leaves its lane for want of room.',
    ],
    outboundConnections: [
        'KIBA_OUTBOUND_CONNECTIONS',
        '500',
        integer(1, 10000),
        'Connections to receiving servers at the same time, in all lanes together.',
    ],

    maxMailBytes: ['KIBA_MAX_MAIL_BYTES', '26214400', integer(1024, 1 << 30), 'Largest mail taken.'],
    maxBatchBytes: [
        'KIBA_MAX_BATCH_BYTES',
        '33554432',
        integer(1 << 16, 1 << 30),
        'Largest batch taken from a worker.',
    ],
    maxSpooledMails: [
        'KIBA_MAX_SPOOLED_MAILS',
        '20000',
        integer(1, 10000000),
        'Mails taken and not over above which the workers must wait; small teams a little longer.',
    ],
    maxSpooledBytes: [
        'KIBA_MAX_SPOOLED_BYTES',
        '536870912',
        integer(1 << 16, 2 ** 40),
        'The same for their bytes, which are kept on disk and in memory.',
    ],
    maxRecipients: ['KIBA_MAX_RECIPIENTS', '100', integer(1, 10000), 'Recipients of one submitted mail.'],
    maxLoginFailures: [
        'KIBA_MAX_LOGIN_FAILURES',
        '20',
        integer(1, 100000),
        'Failed logins that an address has free; each further one doubles the wait till the next try.',
    ],
    maxTeamLoginFailures: [
        'KIBA_MAX_TEAM_LOGIN_FAILURES',
        '100',
        integer(1, 100000),
        'The same in the name of one team, from addresses that it has not logged in from before.',
    ],
    loginFailureWindow: [
        'KIBA_LOGIN_FAILURE_WINDOW',
        '900',
        integer(1, 86400),
        'The longest such wait in seconds, and how long failed logins are remembered.',
    ],
    maxBacklogBytes: [
        'KIBA_MAX_EVENT_BACKLOG_BYTES',
        '1073741824',
        integer(1 << 16, 2 ** 40),
        'Unsent events on disk above which no new mail is taken.',
    ],
    idleSeconds: [
        'KIBA_SMTP_IDLE_SECONDS',
        '300',
        integer(1, 3600),
        'Seconds of silence after which a connection is ended (RFC 5321, 4.5.3.2.7).',
    ],
    loginSeconds: [
        'KIBA_SMTP_LOGIN_SECONDS',
        '60',
        integer(1, 3600),
        'Seconds within which a client has shaken hands and logged in, where it must.',
    ],
    leastRate: [
        'KIBA_SMTP_LEAST_RATE',
        '500',
        integer(1, 1000000),
        'Bytes a second that a text must come with, when it has taken longer than the silence above.',
    ],
    connectionsPerAddress: [
        'KIBA_SMTP_CONNECTIONS_PER_ADDRESS',
        '100',
        integer(1, 100000),
        'Connections that one address (IPv6: /64) may have open to the public listeners, at each process.',
    ],
    connections: [
        'KIBA_SMTP_CONNECTIONS',
        '2000',
        integer(1, 100000),
        'Connections that each listener may have open, at each process.',
    ],
    drainSeconds: ['KIBA_DRAIN_SECONDS', '20', integer(0, 600), 'Longest wait for open work after SIGTERM.'],
}

/**
 * @param {Record<string, string | undefined>} env
 * @returns one field a variable, and the folders below `edgeHome`
 * @throws {Error} naming the variable and what it must be
 */
function load(env) {
    const settings = {}
    for (const [field, [variable, fallback, read, meaning]] of Object.entries(VARIABLES)) {
        const value = env[variable] || fallback
        if (value === REQUIRED) throw new Error(`Set ${variable}. ${meaning}`)
        try {
            settings[field] = read(value)
        } catch (err) {
            throw new Error(`${variable} ${err.message}. ${meaning}`, { cause: err })
        }
    }
    // What operators bind addresses to: the edge, whichever of its processes it is.
    settings.machineName = settings.edgeName
    if (settings.node > 0) {
        settings.edgeName += `.${settings.node}`
        settings.edgeHome = path.join(settings.edgeHome, String(settings.node))
        settings.healthPort += settings.node
    }
    settings.neverLost = neverLost({
        broadcast: settings.broadcastInDoubt,
        transactional: settings.transactionalInDoubt,
    })
    settings.queueDir = path.join(settings.edgeHome, 'queue')
    settings.mailsDir = path.join(settings.edgeHome, 'mails')
    settings.eventsDir = path.join(settings.edgeHome, 'events')
    settings.temporaryDir = path.join(settings.edgeHome, 'tmp')
    return Object.freeze(settings)
}

/** @returns {Set<string>} streams whose mail is sent again where it may have been sent */
function neverLost(policies) {
    return new Set(Object.keys(policies).filter((stream) => policies[stream] === 'never-lost'))
}

/** The table of docs/operations: variable, default, meaning. */
function asMarkdown() {
    const rows = Object.values(VARIABLES).map(
        ([variable, fallback, , meaning]) =>
            `| \`${variable}\` | ${fallback ? `\`${fallback}\`` : ''} | ${meaning} |`,
    )
    return ['| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n')
}

let loaded

module.exports = {
    load,
    asMarkdown,
    get settings() {
        return (loaded ??= load(process.env))
    },
}

if (require.main === module) console.log(asMarkdown())
