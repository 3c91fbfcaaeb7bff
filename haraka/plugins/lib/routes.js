'use strict'

// Where the mail for a domain goes: its MX hosts, best first, and what is demanded of a connection to them. Domains
// with the same hosts and demands share a route, and so its connections.

const { domainToASCII } = require('node:url')

const { steadyNow } = require('./clock')
const { LookUps } = require('./look_ups')
const { allows } = require('./mta_sts')
const { NoMx } = require('./mx')
const { providerOf } = require('./providers')
const { isPublic } = require('./public_address')

const KEPT_AT_MOST = 20_000
const FAILURE_KEPT_MS = 10_000
// As other servers do: a route with twenty dead servers must not hold up a connection for long.
const HOSTS_TRIED = 8
const ADDRESSES_TRIED = 6

/** No server may take the mail, by the word of the domain itself. For now: policies change. */
class PolicyError extends Error {
    status = '4.7.5'
}

/**
 * @typedef {object} Route
 * @property {string} key
 * @property {string} provider
 * @property {{name: string, priority: number}[]} exchanges the best first
 * @property {boolean} secure whether DNSSEC vouches for them: DANE is asked for then
 * @property {boolean} enforced whether their certificates must be verified (MTA-STS)
 * @property {boolean} testing whether they should be, for all that the domain knows (MTA-STS, mode testing)
 */

class Routes {
    #known

    /**
     * @param {object} options
     * @param {import('./mx').MxResolver} options.mx
     * @param {import('./mta_sts').MtaSts} options.sts
     * @param {boolean} [options.allowLocal] whether mail may go to private addresses
     */
    constructor({ mx, sts, allowLocal = false }) {
        Object.assign(this, { mx, sts, allowLocal })
        this.#known = new LookUps({ most: KEPT_AT_MOST, lookUp: (domain) => this.#lookUp(domain) })
    }

    /**
     * What is known of a domain without looking it up.
     * @returns {{route: Route, error: null} | {route: null, error: Error} | undefined}
     */
    peek(domain) {
        return this.#known.peek(domain)
    }

    /**
     * @param {string} domain in ASCII or not
     * @returns {Promise<{route: Route, error: null} | {route: null, error: Error}>} error: a `NoMx` (for good), or
     *   another (for now)
     */
    find(domain) {
        return this.#known.find(domain)
    }

    async #lookUp(domain) {
        try {
            return await this.#routeOf(domain)
        } catch (error) {
            return { route: null, error, until: steadyNow() + FAILURE_KEPT_MS }
        }
    }

    async #routeOf(domain) {
        const [found, { policy, until }] = await Promise.all([
            this.mx.exchangesOf(domain),
            this.sts.policyOf(domainToASCII(domain)),
        ])
        const enforced = policy?.mode === 'enforce'
        const exchanges = enforced
            ? found.exchanges.filter(({ name }) => allows(policy, name))
            : found.exchanges
        if (exchanges.length === 0) {
            throw new PolicyError(`the MTA-STS policy of ${domain} allows none of its servers`)
        }
        const testing = policy?.mode === 'testing'
        const demands = [found.secure && 'dnssec', enforced && 'sts', testing && 'sts testing'].filter(
            Boolean,
        )
        const hosts = exchanges.map(({ name, priority }) => `${priority} ${name}`)
        const route = {
            key: [...hosts, ...demands].join(','),
            provider: providerOf(exchanges[0].name),
            exchanges,
            secure: found.secure,
            enforced,
            testing,
        }
        return { route, error: null, until: Math.min(found.until, until) }
    }

    /**
     * @param {Route} route
     * @param {(address: string) => boolean} reaches whether our own address can reach that one
     * @returns {Promise<{name: string, ip: string, secure: boolean}[]>} the best first, of one priority in random
     *   order; secure: whether DNSSEC vouches for the address
     * @throws {NoMx} there are none, for good
     * @throws {Error} the look-ups failed for now
     */
    async serversOf({ exchanges }, reaches) {
        const found = await Promise.allSettled(
            shuffled(exchanges)
                .slice(0, HOSTS_TRIED)
                .map((exchange) => this.#addressesOf(exchange)),
        )
        const servers = found.filter(({ status }) => status === 'fulfilled').flatMap(({ value }) => value)
        const failed = found.find(({ status }) => status === 'rejected')
        if (servers.length === 0 && failed) throw failed.reason
        const names = exchanges.map(({ name }) => name).join(', ')
        if (servers.length === 0) throw new NoMx(`no server takes the mail: ${names} have no address`)
        const allowed = servers.filter(({ ip }) => this.allowLocal || isPublic(ip))
        if (allowed.length === 0) throw new NoMx(`${names} have private addresses only`)
        const reached = allowed.filter(({ ip }) => reaches(ip))
        if (reached.length === 0)
            throw new Error(`the source's address cannot reach ${names}: other IP version`)
        return reached.slice(0, ADDRESSES_TRIED)
    }

    async #addressesOf({ name }) {
        const { addresses, secure } = await this.mx.addressesOf(name)
        return addresses.map((ip) => ({ name, ip, secure }))
    }
}

/** RFC 5321 section 5.1: hosts of one priority are tried in random order. */
function shuffled(exchanges) {
    return exchanges
        .map((exchange) => ({ exchange, order: exchange.priority + Math.random() }))
        .sort((a, b) => a.order - b.order)
        .map(({ exchange }) => exchange)
}

module.exports = { Routes, PolicyError }
