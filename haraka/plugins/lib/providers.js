'use strict'

// Who receives: told by the MX host, not by the recipient's domain. All domains that Google hosts are one provider.

const { getDomain } = require('tldts')

// The registrable domain of the MX hosts → the name that operators know. The rest go by their domain.
// sidecars/deliverability/providers.py reads it too.
const NAMES = require('./providers.json')

/**
 * @param {string} host name of the best MX, in lower case
 * @returns {string} the provider's name; the registrable domain of those that are not known
 */
function providerOf(host) {
    const domain = getDomain(host) ?? host
    return NAMES[domain] ?? domain
}

module.exports = { providerOf }
