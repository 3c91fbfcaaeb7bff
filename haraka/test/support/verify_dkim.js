'use strict'

// What mailauth says of the signatures of the mail on standard input, as JSON. The only argument is the DNS server.

const { Resolver } = require('node:dns/promises')
const fs = require('node:fs')
const { dkimVerify } = require('mailauth/lib/dkim/verify')

async function main() {
    const dns = new Resolver()
    dns.setServers([process.argv[2]])
    const { results } = await dkimVerify(fs.readFileSync(0), {
        resolver: (name, type) => dns.resolve(name, type),
    })
    console.log(JSON.stringify(results.map(({ algo, status }) => [algo, status.result])))
}

main()
