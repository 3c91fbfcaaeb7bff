'use strict'

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
        return gathered === '' || write.call(client, gathered)
    }
    client.write = (reply) => {
        replies += reply
        return connection.current_data?.includes('\n') || flush()
    }
    client.end = (...args) => {
        flush()
        return end.apply(client, args)
    }
}

module.exports = { gatherReplies }
