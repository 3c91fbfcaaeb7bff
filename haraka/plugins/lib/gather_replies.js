'use strict'

const states = require('haraka-constants').connection.state

// What a client does not read is kept in memory, and EHLO has an answer of ten times its length; so is what it says while
// it should wait.
const MOST_UNREAD = 64 * 1024
const MOST_UNASKED = 1024 * 1024

/**
 * Replies to commands that came together leave together (RFC 2920 section 3.2): a packet costs more than a reply.
 * @param {object} connection Haraka's
 */
function gatherReplies(connection) {
    const { client } = connection
    const { write, end } = client
    let replies = ''
    const flush = () => {
        const gathered = replies
        replies = ''
        if (gathered === '') return true
        if ((client.targetsocket ?? client).writableLength > MOST_UNREAD) {
            client.destroy()
            return false
        }
        return write.call(client, gathered)
    }
    client.write = (reply) => {
        replies += reply
        const isLast = !connection.current_data?.includes('\n')
        return isLast || replies.length > MOST_UNREAD ? flush() : true
    }
    client.on('data', () => {
        if (connection.state === states.DATA || !(connection.current_data?.length > MOST_UNASKED)) return
        connection.current_data = null
        client.destroy()
    })
    client.end = (...args) => {
        flush()
        return end.apply(client, args)
    }
}

module.exports = { gatherReplies }
