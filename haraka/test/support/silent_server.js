'use strict'

/**
 * A server that takes texts and says nothing.
 * @param {import('./mailbox').Mailbox} mailbox
 * @param {string} domain
 * @returns {Promise<{received: number, answer: () => void}>} how many texts it has; `answer` takes the last one after all
 */
async function silentServer(mailbox, domain) {
    let last
    const server = {
        received: 0,
        answer: () => last.write('250 taken\r\n'),
    }
    await mailbox.serve(domain, (socket) => {
        socket.write('220 silent\r\n')
        let inText = false
        socket.on('data', (data) => {
            if (inText && data.toString('latin1').endsWith('\r\n.\r\n')) {
                server.received++
                last = socket
            } else if (!inText) {
                inText = data.toString().includes('DATA')
                socket.write(inText ? '354 go\r\n' : '250 ok\r\n')
            }
        })
    })
    return server
}

module.exports = { silentServer }
