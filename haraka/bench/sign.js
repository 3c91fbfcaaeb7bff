'use strict'

// CPU of signing one 10 KB mail of a batch, beside that of the bare operation of each algorithm:
//   node bench/sign.js [mails]

const { generateKeyPairSync, sign } = require('node:crypto')

const { signParts } = require('../plugins/lib/dkim')

const COUNT = Number(process.argv[2] ?? 4000)
const BATCH = 500

const TOKEN = 'a'.repeat(40)
const LINE = '<td style=3D"padding: 0 20px; font-family: Arial, sans-serif">Autumn teas</td>=\r\n'
// A value stands at each \0, as in a newsletter with one link and a pixel, in text and HTML.
const MAIL = [
    'From: Acme <news@acme.example>\r\nTo: \0\r\nSubject: Autumn teas\r\nDate: \0\r\n',
    'Message-ID: <\0@acme.example>\r\nList-Id: <3.acme.example>\r\n',
    'List-Unsubscribe: <https://go.acme.example/u/\0>,\r\n <mailto:u-\0@kb.acme.example>\r\n',
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: 7:12:broadcast:kibamail\r\n',
    'X-Kibamail-Message-ID: \0\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="b"\r\n\r\n',
    `--b\r\n\r\nHello \0,\r\n${LINE.repeat(20)}https://go.acme.example/c/\0/1\r\n`,
    `--b\r\n\r\n<p>Hello \0,</p>\r\n${LINE.repeat(60)}<a href=3D"https://go.acme.example/c/\0/1">\r\n`,
    `${LINE.repeat(30)}<img src=3D"https://go.acme.example/o/\0.gif">\r\n--b--\r\n`,
].join('')
const template = { chunks: MAIL.split('\0').map((text) => Buffer.from(text)) }
const values = template.chunks.slice(1).map(() => Buffer.from(TOKEN))

const key = (type, options) => ({
    domain: 'acme.example',
    selector: 'kb1',
    algorithm: `${type}-sha256`,
    privateKey: generateKeyPairSync(type, options).privateKey,
})

async function cpuOf(work) {
    await work()
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    return ((user + system) / COUNT).toFixed(1)
}

async function signAll(keys) {
    for (let i = 0; i < COUNT; i += BATCH) {
        await Promise.all(Array.from({ length: BATCH }, () => signParts(template, values, keys)))
    }
}

function signBare({ algorithm, privateKey }) {
    const [digest, data] =
        algorithm === 'rsa-sha256' ? ['sha256', Buffer.alloc(1200)] : [null, Buffer.alloc(32)]
    for (let i = 0; i < COUNT; i++) sign(digest, data, privateKey)
}

async function main() {
    console.log(`${MAIL.length + values.length * TOKEN.length} bytes, ${values.length} values; CPU µs a mail`)
    console.log(`no signature        ${await cpuOf(() => signAll([]))}`)
    const keys = [key('rsa', { modulusLength: 2048 }), key('ed25519')]
    for (const each of keys) {
        console.log(`${each.algorithm.padEnd(16)}    ${await cpuOf(() => signAll([each]))}`)
        console.log(`  the operation     ${await cpuOf(() => signBare(each))}`)
    }
    console.log(`both                ${await cpuOf(() => signAll(keys))}`)
}

main()
