'use strict'

// The parts that the plugins share, made once from the settings.

const { Claims } = require('./claims')
const { DnsClient } = require('./dns_client')
const { makeEvent } = require('./event')
const { HourlyLimit } = require('./hourly_limit')
const lifecycle = require('./lifecycle')
const { Lockout } = require('./lockout')
const { MailSpool } = require('./mail_spool')
const metrics = require('./metrics')
const { MtaSts } = require('./mta_sts')
const { MxResolver } = require('./mx')
const { OpenLogins } = require('./open_logins')
const { Records } = require('./records')
const redisClient = require('./redis')
const { Reporter } = require('./reporter')
const { Resolver } = require('./resolver')
const { settings } = require('./settings')
const { Spool } = require('./spool')
const { Suppressed } = require('./suppressed')

const redis = redisClient.connect(settings.redisUrl)
const records = new Records(redis, settings.encryptionKey)
const suppressed = new Suppressed({ redis, secret: settings.tokenSecret })
const lockout = new Lockout({
    redis,
    ofAddress: settings.maxLoginFailures,
    ofTeam: settings.maxTeamLoginFailures,
    window: settings.loginFailureWindow,
})
const openLogins = new OpenLogins({ redis, connections: lifecycle.connections })
const hourlyLimit = new HourlyLimit(redis)
const claims = new Claims({ redis, edge: settings.edgeName, ttl: settings.claimTtl })
// As long as an idempotency key holds (docs/submission.md).
const submissionClaims = new Claims({ redis, edge: settings.edgeName, ttl: 24 * 3600 })
const mailSpool = MailSpool.open({
    dir: settings.mailsDir,
    maxMails: settings.maxSpooledMails,
    maxBytes: settings.maxSpooledBytes,
    neverLost: settings.neverLost,
    onSync: (seconds) => metrics.syncSeconds.observe(seconds),
})
const resolver = new Resolver(new DnsClient({ servers: settings.dnsServers, trusted: settings.dnsTrusted }))
const mx = new MxResolver(resolver)
const sts = new MtaSts({
    resolver,
    mx,
    ca: settings.outboundCa,
    port: settings.stsPort,
    allowLocal: settings.allowLocalMx,
})
const spool = new Spool(settings.eventsDir)
const reporter = new Reporter({
    spool,
    url: settings.webhookUrl,
    secret: settings.webhookSecret,
    onPosted: (count) => metrics.eventsPosted.inc(count),
})

/** Resolves when the event is on disk. The fields are those of event.js. */
function report(type, fields) {
    metrics.eventsSpooled.inc({ type })
    return spool.append(makeEvent(type, settings.edgeName, fields))
}

module.exports = {
    redis,
    records,
    suppressed,
    lockout,
    openLogins,
    hourlyLimit,
    claims,
    submissionClaims,
    mailSpool,
    journal: mailSpool.journal,
    resolver,
    mx,
    sts,
    spool,
    reporter,
    report,

    // Set by plugins/lanes.js: all that sends, and that part of it which is given mails from the spool.
    wayOut: null,
    dispatcher: null,
}
