'use strict'

// DANE for SMTP, RFC 7672: TLSA records say which certificates a server may show. They are heeded only where the
// names of the server and of its addresses were validated by DNSSEC.

const { createHash, X509Certificate } = require('node:crypto')

const DANE_TA = 2
const DANE_EE = 3
const HASHES = { 1: 'sha256', 2: 'sha512' }

/** @typedef {{usage: number, selector: number, matchingType: number, certificate: Buffer}} Tlsa */

/**
 * @param {import('./resolver').Resolver} resolver
 * @param {string} host of an MX whose own look-up was secure
 * @param {number} port
 * @returns {Promise<Tlsa[] | null>} null: no DANE for this server. []: there are records, but none that can be used
 *   (TLS is a must then, whatever the certificate: RFC 7672 section 2.2)
 * @throws {import('./dns_client').DnsError} whether there are any cannot be told: the server must not be used
 */
async function tlsaOf(resolver, host, port) {
    const { records, secure } = await resolver.find(`_${port}._tcp.${host}`, 'TLSA')
    if (!secure || records.length === 0) return null
    return records.filter(isUsable)
}

function isUsable({ usage, selector, matchingType }) {
    return (usage === DANE_TA || usage === DANE_EE) && selector <= 1 && matchingType <= 2
}

/**
 * @param {Tlsa[]} records one of which must match
 * @param {X509Certificate[]} chain as the server sent it, its own first
 * @param {string} host
 * @returns {string | null} why the server is not the one; null where it is
 */
function mismatch(records, chain, host) {
    const vouchedFor = records.some((record) =>
        record.usage === DANE_EE ? matches(record, chain[0]) : hasAnchor(record, chain, host),
    )
    return vouchedFor ? null : 'its certificate does not match its TLSA records'
}

function matches({ selector, matchingType, certificate }, shown) {
    const selected = selector === 0 ? shown.raw : shown.publicKey.export({ type: 'spki', format: 'der' })
    const hash = HASHES[matchingType]
    return (hash ? createHash(hash).update(selected).digest() : selected).equals(certificate)
}

/** Section 3.1.2: a certificate above the server's is the one that is meant, and each vouches for the one below. */
function hasAnchor(record, chain, host) {
    const anchor = chain.findIndex((shown, depth) => depth > 0 && matches(record, shown))
    if (anchor === -1) return false
    const path = chain.slice(0, anchor + 1)
    return path.every(isValidNow) && path.every(isIssuedByNext) && Boolean(chain[0].checkHost(host))
}

function isIssuedByNext(shown, depth, path) {
    const issuer = path[depth + 1]
    return !issuer || (issuer.ca && shown.checkIssued(issuer) && shown.verify(issuer.publicKey))
}

function isValidNow({ validFrom, validTo }) {
    return Date.parse(validFrom) <= Date.now() && Date.now() < Date.parse(validTo)
}

/** @param {import('node:tls').TLSSocket} socket @returns {X509Certificate[]} what the server sent, its own first */
function chainOf(socket) {
    const chain = []
    for (let shown = socket.getPeerCertificate(true); shown?.raw; shown = shown.issuerCertificate) {
        if (chain.some(({ raw }) => raw.equals(shown.raw))) break
        chain.push(new X509Certificate(shown.raw))
    }
    return chain
}

module.exports = { tlsaOf, mismatch, chainOf }
