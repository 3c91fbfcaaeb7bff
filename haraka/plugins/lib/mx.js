'use strict'

// The servers that take mail for a domain: RFC 5321 section 5.1, RFC 7505.

const { domainToASCII } = require('node:url')

class NoMx extends Error {
    /** @param {string} status by RFC 3463 */
    constructor(message, status = '5.1.2') {
        super(message)
        this.status = status
    }
}

class MxResolver {
    /** @param {import('./resolver').Resolver} resolver */
    constructor(resolver) {
        this.resolver = resolver
    }

    /**
     * @param {string} domain in ASCII or not
     * @returns {Promise<{exchanges: {name: string, priority: number}[], secure: boolean, until: number}>} the best
     *   first, names in lower case; secure: by DNSSEC; until: when it ends to hold, in milliseconds since 1970
     * @throws {NoMx} the domain takes no mail, for good
     * @throws {import('./dns_client').DnsError} the look-up failed for now
     */
    async exchangesOf(domain) {
        const name = domainToASCII(domain)
        if (!name) throw new NoMx(`${domain} is no domain name`)
        const { records, secure, until } = await this.resolver.find(name, 'MX')
        if (records.length === 0) return this.#itself(name)
        const exchanges = records.map(({ exchange, preference }) => ({
            name: exchange.toLowerCase(),
            priority: preference,
        }))
        if (exchanges.length === 1 && ['', '.'].includes(exchanges[0].name)) {
            throw new NoMx(`${domain} accepts no mail (null MX, RFC 7505)`, '5.1.10')
        }
        exchanges.sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1))
        return { exchanges, secure, until }
    }

    /** RFC 5321 section 5.1: without MX the domain itself is the host. */
    async #itself(name) {
        const { addresses, secure, until } = await this.addressesOf(name)
        if (addresses.length === 0) {
            throw new NoMx(`no server takes mail for ${name}: it has neither MX nor address`)
        }
        return { exchanges: [{ name, priority: 0 }], secure, until }
    }

    /**
     * @param {string} host
     * @returns {Promise<{addresses: string[], secure: boolean, until: number}>} IPv4 before IPv6
     * @throws {import('./dns_client').DnsError} nothing was found, and one look-up failed for now
     */
    async addressesOf(host) {
        const found = await Promise.allSettled([
            this.resolver.find(host, 'A'),
            this.resolver.find(host, 'AAAA'),
        ])
        const answers = found.filter(({ status }) => status === 'fulfilled').map(({ value }) => value)
        const addresses = answers.flatMap(({ records }) => records)
        const failed = found.find(({ status }) => status === 'rejected')
        if (addresses.length === 0 && failed) throw failed.reason
        return {
            addresses,
            secure: answers.every(({ secure }) => secure),
            until: Math.min(...answers.map(({ until }) => until)),
        }
    }
}

module.exports = { MxResolver, NoMx }
