'use strict'

// A delivery status notification: tells who submitted a mail that it did not reach somebody. RFC 3464, in a
// multipart/report (RFC 6522), with the header section of the mail (its text/rfc822-headers).

const { randomUUID } = require('node:crypto')

const { mailDate } = require('./mail_date')

const LONGEST_HEADERS = 32 * 1024
const LONGEST_LINE = 900 // RFC 5322 section 2.1.1, and room for the field's name
const CRLF = '\r\n'
const HEADER_END = '\r\n\r\n'

/**
 * @typedef {object} Failure
 * @property {string} recipient
 * @property {string | null} status RFC 3463; null where nobody said one
 * @property {number | null} code the server's reply code; null where no server refused it
 * @property {string} response the server's words, or why none was asked
 * @property {string | null} mx the server's name
 */

/**
 * @param {object} report
 * @param {string} report.to who submitted the mail
 * @param {string} report.domain the author's domain, which writes and signs the report
 * @param {string} report.reporter the edge's host name
 * @param {number} report.queuedAt when the mail came, in milliseconds since 1970
 * @param {Buffer} report.mail the mail itself
 * @param {Failure[]} report.failures
 * @param {number} [now] in milliseconds since 1970
 * @returns {Buffer} with CRLF line ends, not dot-stuffed
 */
function composeDsn({ to, domain, reporter, queuedAt, mail, failures }, now = Date.now()) {
    const boundary = `dsn-${randomUUID()}`
    const headers = headersOf(mail)
    const subject = fieldOf(headers, 'Subject')
    const messageId = fieldOf(headers, 'Message-ID')
    return Buffer.from(
        lines(
            `From: Mail Delivery System <mailer-daemon@${domain}>`,
            `To: <${to}>`,
            `Subject: ${subject ? `Undelivered: ${subject}` : 'Undelivered mail'}`,
            `Date: ${mailDate(now)}`,
            `Message-ID: <${randomUUID()}@${domain}>`,
            messageId && `In-Reply-To: ${messageId}${CRLF}References: ${messageId}`,
            // RFC 3834 section 5: nothing may answer this by itself.
            'Auto-Submitted: auto-replied',
            'MIME-Version: 1.0',
            `Content-Type: multipart/report; report-type=delivery-status;${CRLF}\tboundary="${boundary}"`,
            '',
            `--${boundary}`,
            'Content-Type: text/plain; charset=utf-8',
            'Content-Transfer-Encoding: 8bit',
            '',
            'Your mail did not reach:',
            '',
            ...failures.map(inWords),
            '',
            'It will not be tried again.',
            '',
            `--${boundary}`,
            'Content-Type: message/delivery-status',
            '',
            `Reporting-MTA: dns; ${reporter}`,
            `Arrival-Date: ${mailDate(queuedAt)}`,
            ...failures.map((failure) => statusOf(failure, now)),
            '',
            `--${boundary}`,
            'Content-Type: text/rfc822-headers',
            'Content-Transfer-Encoding: 8bit',
            '',
            headers,
            '',
            `--${boundary}--`,
            '',
        ),
    )
}

const lines = (...all) => all.filter((line) => line !== null).join(CRLF)

function inWords({ recipient, ...failure }) {
    return `  <${recipient}>: ${replyOf(failure)}`
}

/** As the server said it; or why none was asked. */
function replyOf({ code, status, response }) {
    return oneLine(code ? [code, status, response].filter(Boolean).join(' ') : response)
}

/** RFC 3464 section 2.3: a block of fields for each recipient, parted by an empty line. */
function statusOf({ recipient, mx, ...failure }, now) {
    return lines(
        '',
        `Final-Recipient: ${typedAddress(recipient)}`,
        'Action: failed',
        `Status: ${permanent(failure.status)}`,
        mx && `Remote-MTA: dns; ${mx}`,
        failure.code && `Diagnostic-Code: smtp; ${toAscii(replyOf(failure)).slice(0, LONGEST_LINE)}`,
        `Last-Attempt-Date: ${mailDate(now)}`,
    )
}

/** RFC 6533 section 3: an address outside ASCII, in a report that is ASCII. */
function typedAddress(address) {
    return isAscii(address) ? `rfc822; ${address}` : `utf-8; ${toAscii(address)}`
}

/** What was given up has failed for good, whatever the last reply was. */
const permanent = (status) => (status ?? '5.0.0').replace(/^4/, '5')

const isAscii = (text) => !/[^\0-\x7f]/.test(text)

/** RFC 6533's utf-8-addr-xtext: each character outside ASCII as \x{HEX}. */
function toAscii(text) {
    return text.replace(/[^\0-\x7f]/gu, (char) => `\\x{${char.codePointAt(0).toString(16).toUpperCase()}}`)
}

const oneLine = (text) => text.replace(/\s+/g, ' ').trim().slice(0, LONGEST_LINE)

/** The header section, cut at the end of a line where it is very long. */
function headersOf(mail) {
    const end = mail.indexOf(HEADER_END)
    const headers = mail.toString('utf8', 0, Math.min(end === -1 ? mail.length : end, LONGEST_HEADERS))
    return headers.length < LONGEST_HEADERS ? headers : headers.slice(0, headers.lastIndexOf(CRLF))
}

/** The first field of that name, unfolded; null where there is none, or not one in ASCII. */
function fieldOf(headers, name) {
    const [, value = ''] = new RegExp(`^${name}:(.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(headers) ?? []
    return isAscii(value) ? oneLine(value) || null : null
}

module.exports = { composeDsn }
