'use strict'

// The least that is an SMTP server, for throughput.js: takes everything, keeps nothing. `node sink.js PORT`

const net = require('node:net')

const END_OF_MAIL = Buffer.from('\r\n.\r\n')
const END_OF_LINE = Buffer.from('\r\n')
const EHLO = '250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n'

function converse(socket) {
    let inMail = false
    let unread = Buffer.alloc(0)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.write('220 sink\r\n')
    socket.on('data', (data) => {
        unread = unread.length ? Buffer.concat([unread, data]) : data
        let replies = ''
        for (let end; (end = unread.indexOf(inMail ? END_OF_MAIL : END_OF_LINE)) !== -1;) {
            const command = inMail ? '.' : unread.latin1Slice(0, 4).toUpperCase()
            unread = unread.subarray(end + (inMail ? END_OF_MAIL : END_OF_LINE).length)
            inMail = command === 'DATA'
            if (command === 'QUIT') return socket.end(`${replies}221 bye\r\n`)
            replies += command === 'EHLO' ? EHLO : inMail ? '354 go\r\n' : '250 ok\r\n'
        }
        if (replies) socket.write(replies)
        // Of a mail only its last octets matter.
        if (inMail) unread = unread.subarray(-END_OF_MAIL.length)
    })
}

net.createServer(converse).listen(Number(process.argv[2]), '127.0.0.1')
