'use strict'

const ipaddr = require('ipaddr.js')

/**
 * Whether mail may be sent there, and policies fetched: a stranger's DNS must not lead us into our own network.
 * @param {string} address IPv4, or IPv6 with or without an IPv4 address in it
 */
function isPublic(address) {
    return ipaddr.process(address).range() === 'unicast'
}

module.exports = { isPublic }
