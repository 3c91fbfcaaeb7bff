'use strict'

// Submits the mail on standard input as it is. Arguments: port, `TLS` or `STARTTLS`, user, password, sender, recipient.

const fs = require('node:fs')
const nodemailer = require('nodemailer')

async function main() {
    const [port, tls, user, pass, from, to] = process.argv.slice(2)
    const transport = nodemailer.createTransport({
        host: '127.0.0.1',
        port,
        secure: tls === 'TLS',
        requireTLS: true,
        auth: { user, pass },
        tls: { rejectUnauthorized: false },
    })
    await transport.sendMail({ envelope: { from, to, use8BitMime: true }, raw: fs.readFileSync(0) })
}

main()
