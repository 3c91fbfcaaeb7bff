'use strict'

// Who says to have written a mail: the one address in its one From field (RFC 5322 section 3.6.2, RFC 7489
// section 6.6.1: a mail with several cannot be judged).

const { domainToASCII } = require('node:url')

const { Refusal } = require('./hook')

/**
 * @param {import('haraka-email-message').Header} header
 * @returns {string} the domain in lower case, as A-labels
 * @throws {Refusal} where there is not exactly one
 */
function authorDomain(header) {
    const fields = header.get_all('from').length
    if (fields !== 1) {
        throw new Refusal(
            550,
            '5.6.0',
            `A mail must have one From header (RFC 5322, 3.6); this has ${fields}`,
        )
    }
    const authors = addresses(header)
    if (authors.length !== 1) {
        throw new Refusal(550, '5.6.0', `From must hold one address; this holds ${authors.length}`)
    }
    const domain = domainToASCII(authors[0].host ?? '')
    if (!domain) throw new Refusal(550, '5.6.0', 'The address in From has no domain; use name@your-domain')
    return domain
}

function addresses(header) {
    try {
        return header.get_addresses('from')
    } catch {
        throw new Refusal(550, '5.6.0', 'From cannot be read; write it as: Name <name@your-domain>')
    }
}

module.exports = { authorDomain }
