'use strict'

/** RFC 5322 section 3.3, in UTC. @param {number} [ms] since 1970 */
const mailDate = (ms = Date.now()) => new Date(ms).toUTCString().replace('GMT', '+0000')

module.exports = { mailDate }
