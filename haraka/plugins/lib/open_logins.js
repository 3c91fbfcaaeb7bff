'use strict'

// Connections of teams that stay open: those whose key was revoked or has expired are ended, and which keys are in
// use is noted.

const { steadyNow } = require('./clock')
const log = require('./log')
const names = require('./names')
const { hasExpired, scopeOf } = require('./records')

const LOOK_MS = 2000
const NOTE_MS = 60_000

class OpenLogins {
    #used = new Set()
    #notedAt = 0

    /** @param {{redis: import('ioredis').Redis, connections: Set<object>}} options Haraka's connections */
    constructor({ redis, connections }) {
        Object.assign(this, { redis, connections })
    }

    start() {
        setInterval(() => this.#lookQuietly(), LOOK_MS).unref()
    }

    /** The key was used just now. */
    touch({ apiKeyId }) {
        this.#used.add(apiKeyId)
    }

    async #lookQuietly() {
        try {
            await Promise.all([this.#endRevoked(), this.#noteUses()])
        } catch (err) {
            log.debug('open logins not looked at', { reason: err.message })
        }
    }

    async #endRevoked() {
        const open = [...this.connections].filter(({ notes }) => notes.login?.team)
        if (open.length === 0) return
        const fields = new Map(open.map(({ notes: { login } }) => [nameOf(login.team), login.team]))
        const found = await this.#lookUp([...fields.values()])
        if (!found) return
        for (const connection of open) {
            const key = found.get(nameOf(connection.notes.login.team))
            if (key && !hasExpired(key)) Object.assign(connection.notes.login.team, scopeOf(key))
            else end(connection)
        }
    }

    /** @returns {Promise<Map<string, string | null> | null>} null where Redis has lost its records: nobody is revoked by that */
    async #lookUp(teams) {
        const [there, ...keys] = await Promise.all([
            this.redis.exists(names.EDGE_RECORDS_KEY),
            ...teams.map(({ id, keyField }) => this.redis.hget(names.teamKey(id), keyField)),
        ])
        return there ? new Map(teams.map((team, i) => [nameOf(team), keys[i]])) : null
    }

    async #noteUses() {
        if (this.#used.size === 0 || steadyNow() - this.#notedAt < NOTE_MS) return
        const used = [...this.#used]
        const seconds = Math.floor(Date.now() / 1000)
        await this.redis.hset(names.KEY_USES_KEY, ...used.flatMap((id) => [id, seconds]))
        this.#notedAt = steadyNow()
        for (const id of used) this.#used.delete(id)
    }
}

const nameOf = ({ id, keyField }) => `${id} ${keyField}`

/** In the midst of a mail too: who has a stolen key must not go on with one that takes its time. */
function end(connection) {
    log.info('connection of a key that ended was ended', { team_id: connection.notes.login.team.id })
    connection.respond(421, '4.7.0 The API key of this connection was revoked, or has expired', () =>
        connection.disconnect(),
    )
}

module.exports = { OpenLogins }
