'use strict'

// Every name that two processes must spell alike: Redis keys, mail headers, paths. sidecars/names.py is the
// other half; test/names.test.js compares the two. Nothing else in haraka/ writes these as a literal.

module.exports = {
    // Redis keys
    teamKey: (teamId) => `TEAM:${teamId}`,
    domainKey: (domain) => `DOMAIN:${domain.toLowerCase()}`,
    emailClaimKey: (messageId) => `EMAIL:${messageId}`,
    submissionClaimKey: (teamId, digest) => `SUBMISSION:${teamId}:${digest}`,
    broadcastClaimKey: (broadcastId, contactId) => `BROADCAST:${broadcastId}:${contactId}`,
    recipientsKey: (teamId, hour) => `RECIPIENTS:${teamId}:${hour}`,
    loginFailuresKey: (who) => `LOGIN_FAILURES:${who}`,
    loginLockKey: (who) => `LOGIN_LOCK:${who}`,
    loginKnownKey: (teamId, network) => `LOGIN_KNOWN:${teamId}:${network}`,
    suppressedKey: (teamId) => `SUPPRESSED:${teamId}`,
    KEY_USES_KEY: 'API_KEYS:USED',

    // Redis keys of the lanes
    SOURCES_KEY: 'SOURCES',
    LANE_POLICIES_KEY: 'LANES:POLICIES',
    LANE_CONTROLS_KEY: 'LANES:CONTROLS',
    LANES_CHANNEL: 'lanes',
    LIVE_EDGES_KEY: 'LANES:EDGES',
    warmupKey: (source) => `WARMUP:${source}`,
    laneBudgetKey: (source, provider) => `LANES:BUDGET:${source}:${provider}`,
    laneUsedKey: (source, provider, day) => `LANES:USED:${source}:${provider}:${day}`,
    laneStateKey: (edge) => `LANES:STATE:${edge}`,

    spoolStateKey: (edge) => `SPOOL:${edge}`,

    // Redis keys of broadcasts that are held back
    BROADCASTS_HELD_KEY: 'BROADCASTS:HELD',
    BROADCASTS_CHANNEL: 'broadcasts',
    EDGE_RECORDS_KEY: 'EDGE:RECORDS',

    // Mail headers
    HEADER_MESSAGE_ID: 'X-Kibamail-Message-ID',
    HEADER_BROADCAST_ID: 'X-Kibamail-Broadcast-ID',
    HEADER_CONTACT_ID: 'X-Kibamail-Contact-ID',

    // Of submitters
    HEADER_TAG: 'X-Kibamail-Tag',
    HEADER_METADATA: 'X-Kibamail-Metadata',
    HEADER_STREAM: 'X-Kibamail-Stream',
    HEADER_TRACK: 'X-Kibamail-Track',
    HEADER_IDEMPOTENCY_KEY: 'X-Kibamail-Idempotency-Key',
    HEADER_SEND_AT: 'X-Kibamail-Send-At',

    // HTTP headers and path between the edge and the webhook receiver
    HEADER_TIMESTAMP: 'X-Kibamail-Timestamp',
    HEADER_SIGNATURE: 'X-Kibamail-Signature',
    PATH_MTA_EVENTS: '/mta/events',

    // Paths of the tracking host
    PATH_CLICK: '/c',
    PATH_OPEN: '/o',

    // Local parts at a return-path domain
    VERP_PREFIX: 'b-',
    UNSUBSCRIBE_PREFIX: 'u-',
}
