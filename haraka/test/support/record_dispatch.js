'use strict'

// Loaded into the edge before anything else (node --require): writes down which mails it was given to send, in place of
// sending them, so that a test may count them over several lives. One line a mail: `send|sent|unknown <key> <claim key>`.

const fs = require('node:fs')

const services = require('../../plugins/lib/services')

const note = (fate) => (mails) => {
    const lines = mails.map(({ key, claimKey }) => `${fate} ${key} ${claimKey}\n`)
    fs.appendFileSync(process.env.DISPATCH_LOG, lines.join(''))
}

Object.defineProperty(services, 'dispatcher', {
    get: () => ({ take: note('send'), takeSent: note('sent'), takeUnknown: note('unknown') }),
    set: () => {},
})
