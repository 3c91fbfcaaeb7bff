'use strict'

// MAIL and RCPT as a server wants them, by the extensions that it has.

const { domainToASCII } = require('node:url')

const isAsciiText = (text) => /^[\x00-\x7f]*$/.test(text) // eslint-disable-line no-control-regex

/** Whether only a server with SMTPUTF8 can have the address. A domain alone can be said in A-labels. */
function needsUtf8(address) {
    return !isAsciiText(address) && !isAsciiText(address.slice(0, address.lastIndexOf('@')))
}

/**
 * @param {import('./lanes').Job} job
 * @param {{utf8: boolean, eightBit: boolean, declaresSize: boolean}} server what it has
 * @returns {string} with its end of line
 */
function mailCommand({ sender, recipients, smtputf8, size }, { utf8, eightBit, declaresSize }) {
    let command = `MAIL FROM:<${spelled(sender, utf8)}>`
    if (declaresSize) command += ` SIZE=${size}`
    if (eightBit) command += ' BODY=8BITMIME'
    // RFC 6531 section 3.4: when any address or the header is not ASCII.
    if (utf8 && (smtputf8 || !isAsciiText(sender) || !recipients.every(isAsciiText))) command += ' SMTPUTF8'
    return `${command}\r\n`
}

/** @returns {string} with its end of line */
function rcptCommand(recipient, { utf8 }) {
    return `RCPT TO:<${spelled(recipient, utf8)}>\r\n`
}

function spelled(address, utf8) {
    if (utf8 || isAsciiText(address)) return address
    const at = address.lastIndexOf('@')
    return `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1))}`
}

module.exports = { mailCommand, rcptCommand, needsUtf8, isAsciiText }
