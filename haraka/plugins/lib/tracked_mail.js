'use strict'

// A submitted mail whose links lead over the tracking host and which asks for a pixel: taken apart once, and written for
// each recipient with a token of its own. The target of a link stands in its address, under a MAC: a submitted mail has
// no row of links, and a link must work for as long as the mail lies somewhere.

const { placesOf } = require('./html_places')
const { HtmlPart, piecesOf } = require('./mime_pieces')
const names = require('./names')
const { makeToken, sealLink } = require('./tokens')

// A link grows tenfold, for each recipient.
const MOST_LINKS = 2000
const PIXEL_STYLE = 'display:block;width:1px;height:1px;border:0'

class TrackedMail {
    /**
     * @param {Buffer} mail whole
     * @param {object} tracking
     * @param {string} tracking.url base URL of the tracking host
     * @param {boolean} tracking.opens
     * @param {boolean} tracking.clicks
     * @param {string} tracking.secret
     * @param {string} tracking.wayOut the List-Unsubscribe field: what it names is not tracked
     * @returns {Promise<TrackedMail | null>} null where there is nothing in it to track, or it must stay as it is
     */
    static async read(mail, tracking) {
        const pieces = await piecesOf(mail)
        const pages = pieces?.filter((piece) => piece instanceof HtmlPart) ?? []
        if (pages.length === 0) return null
        let index = 0
        for (const page of pages) {
            const { links, end } = await placesOf(page.html)
            const isTracked = ({ url }) => !url.startsWith(tracking.url) && !tracking.wayOut.includes(url)
            page.links = tracking.clicks
                ? links.filter(isTracked).map((link) => ({ ...link, index: index++ }))
                : []
            page.end = end
            if (index > MOST_LINKS) return null
        }
        return new TrackedMail(pieces, tracking)
    }

    constructor(pieces, tracking) {
        Object.assign(this, { pieces, tracking })
    }

    /** @param {string} messageId of the recipient's own @returns {Buffer} */
    textFor(messageId) {
        const { url, opens, secret } = this.tracking
        const token = makeToken(messageId, secret)
        const link = (place) => {
            const sealed = sealLink(messageId, place.index, place.url, secret)
            return `href="${url}${names.PATH_CLICK}/${token}/${place.index}/${sealed}"`
        }
        const image = `<img src="${url}${names.PATH_OPEN}/${token}.gif" width="1" height="1" alt="" style="${PIXEL_STYLE}">`
        const written = this.pieces.map((piece) => {
            if (!(piece instanceof HtmlPart)) return piece
            const changes = piece.links.map((place) => ({ ...place, text: link(place) }))
            if (opens) changes.push({ start: piece.end, end: piece.end, text: image })
            return changes.length ? piece.withHtml(changed(piece.html, changes)) : piece.raw
        })
        return Buffer.concat(written)
    }
}

function changed(text, changes) {
    let at = 0
    let out = ''
    for (const { start, end, text: instead } of changes.toSorted((a, b) => a.start - b.start)) {
        out += text.slice(at, start) + instead
        at = end
    }
    return out + text.slice(at)
}

module.exports = { TrackedMail }
