'use strict'

// Where in a page of HTML its links stand, and where a pixel can. The parser says places; the page is cut there, so that
// all else stays as its author wrote it, however wrong.

const { finished } = require('node:stream/promises')
const { SAXParser } = require('parse5-sax-parser')

const LINKS = ['a', 'area']
const OPT_OUT = 'data-track'
const LONGEST_URL = 2000
const TRACKED = /^https?:\/\/[!-~]+$/i

/**
 * @param {string} html
 * @returns {Promise<{links: {start: number, end: number, url: string}[], end: number}>} links: the href attributes that
 *   lead to the web, in order; end: before the last `</body>`, or where the text ends
 */
async function placesOf(html) {
    const links = []
    let end = html.trimEnd().length
    const parser = new SAXParser({ sourceCodeLocationInfo: true })
    parser.on('startTag', ({ tagName, attrs, sourceCodeLocation }) => {
        if (!LINKS.includes(tagName) || attrs.some(({ name }) => name === OPT_OUT)) return
        const href = attrs.find(({ name }) => name === 'href')
        const url = href?.value.trim() ?? ''
        if (url.length > LONGEST_URL || !TRACKED.test(url) || !URL.canParse(url)) return
        const { startOffset, endOffset } = sourceCodeLocation.attrs.href
        links.push({ start: startOffset, end: endOffset, url })
    })
    parser.on('endTag', ({ tagName, sourceCodeLocation }) => {
        if (tagName === 'body') end = sourceCodeLocation.startOffset
    })
    parser.resume()
    parser.end(html)
    await finished(parser)
    return { links, end }
}

module.exports = { placesOf }
