'use strict'

// What DnsClient finds, kept as long as it holds.

const { steadyNow } = require('./clock')
const { LookUps } = require('./look_ups')

const KEPT_AT_MOST = 20_000

class Resolver {
    #answers

    /** @param {import('./dns_client').DnsClient} client */
    constructor(client) {
        const lookUp = async (key, name, type) => {
            const answer = await client.ask(name, type)
            return { ...answer, until: steadyNow() + answer.ttl * 1000 }
        }
        this.#answers = new LookUps({ most: KEPT_AT_MOST, lookUp })
    }

    /**
     * @param {string} name in ASCII
     * @param {'MX' | 'A' | 'AAAA' | 'TXT' | 'TLSA'} type
     * @returns {Promise<import('./dns_client').Answer & {until: number}>} until: when it ends to hold, in milliseconds
     *   since 1970
     * @throws {import('./dns_client').DnsError} the look-up failed for now; that is not kept
     */
    find(name, type) {
        return this.#answers.find(`${type} ${name}`, name, type)
    }
}

module.exports = { Resolver }
