'use strict'

// Stands in for Haraka's message stream where a mail was read in large pieces: the text is kept as it is. Who reads it
// as a stream, as other plugins may, gets Haraka's own one, made then.

class TextStream {
    #stream = null

    /** Octets behind the header section, not dot-stuffed. @type {Buffer} */
    body = Buffer.alloc(0)

    /**
     * @param {object} stream the transaction's own, still empty
     * @param {string[]} headers the transaction's header fields, as they are at any moment
     * @param {object} config Haraka's connection.ini
     */
    constructor({ constructor: MessageStream, uuid }, headers, config) {
        Object.assign(this, { MessageStream, uuid, headers, config })
    }

    /** The lines of the header section, which the transaction keeps. */
    add_line() {}

    add_line_end(done) {
        done?.()
    }

    // It fails in no way that a listener could hear of.
    on() {}

    pipe(destination, options) {
        return this.#harakas().pipe(destination, options)
    }

    get_data(options, done) {
        this.#harakas().get_data(options, done)
    }

    /** @returns {Buffer} the mail with its header section as it is now, not dot-stuffed */
    whole() {
        const header = `${this.headers.join('')}\n`.replace(/\r?\n/g, '\r\n')
        return Buffer.concat([Buffer.from(header), this.body])
    }

    destroy() {
        this.#stream?.destroy()
    }

    #harakas() {
        if (this.#stream) return this.#stream
        this.#stream = new this.MessageStream(this.config, this.uuid, this.headers)
        // Where its header section ends; what stands in it comes from `headers`.
        this.#stream.add_line('\r\n')
        for (const line of linesOf(this.body)) this.#stream.add_line(line)
        this.#stream.add_line_end()
        return this.#stream
    }
}

/** As Haraka keeps them: dot-stuffed. */
function* linesOf(text) {
    for (let at = 0; at < text.length;) {
        const end = text.indexOf('\n', at)
        const line = text.subarray(at, end === -1 ? text.length : end + 1)
        yield line[0] === 0x2e ? Buffer.concat([Buffer.from('.'), line]) : line
        at += line.length
    }
}

module.exports = { TextStream }
