'use strict'

// A worker of the edge: hands over batches on one connection.

const { onTheWire } = require('./batch')
const { SmtpClient } = require('./smtp')

class Worker {
    /** @param {import('./edge').Edge} edge */
    static async connect(edge) {
        const worker = new Worker()
        worker.client = await SmtpClient.connect(edge.ports.internal)
        await worker.client.login('internal', edge.secrets.INTERNAL_SECRET)
        return worker
    }

    /** Up to DATA. @returns {Promise<string>} the answer to it, or the refusal of a command before it */
    async begin(recipient = 'batch') {
        for (const command of ['MAIL FROM:<>', `RCPT TO:<${recipient}@mx.example>`]) {
            const reply = await this.client.send(command)
            if (!reply.startsWith('250')) return reply
        }
        return this.client.send('DATA')
    }

    /** @returns {Promise<string>} the edge's answer, '' where it hung up */
    async submit(document, contentType, recipient) {
        const reply = await this.begin(recipient)
        if (!reply.startsWith('354')) return reply
        this.client.write(onTheWire(document, contentType))
        return this.client.reply()
    }

    end() {
        this.client.end()
    }
}

/** @returns {string[]} one result a mail, of a 250; the answer itself for any other */
function resultsOf(answer) {
    if (!answer.startsWith('250')) return [answer]
    const lines = answer.split('\r\n').slice(0, -1)
    return lines.flatMap((line) => {
        const [, first, last, result] = /^250-(\d+)-(\d+) (.*)$/.exec(line)
        return Array(last - first + 1).fill(result)
    })
}

module.exports = { Worker, resultsOf }
