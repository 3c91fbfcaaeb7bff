'use strict'

// For lanes.js: a resolver to which each domain has a server of its own name, on loopback. Sends its address.

const dgram = require('node:dgram')
const packet = require('dns-packet')

const ANSWERS = {
    MX: (name) => ({ preference: 10, exchange: `mx.${name}` }),
    A: () => '127.0.0.1',
}

const socket = dgram.createSocket('udp4', (bytes, from) => {
    const { id, questions } = packet.decode(bytes)
    const [{ name, type }] = questions
    const data = ANSWERS[type]?.(name)
    const answers = data ? [{ name, type, ttl: 3600, data }] : []
    const flags = packet.RECURSION_AVAILABLE
    socket.send(packet.encode({ type: 'response', id, flags, questions, answers }), from.port, from.address)
})
socket.bind(0, '127.0.0.1', () => process.send(`127.0.0.1:${socket.address().port}`))
