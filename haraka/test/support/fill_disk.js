'use strict'

// Fills a small disk with batches and submitted mails until nothing fits, makes room, fills it again, and tells:
//   node fill_disk.js FOLDER   → {"refusals": [code …], "answered": [key …], "found": [key …]}
// answered: mails that were taken and are not over; found: those that the next start has.

const log = require('../../plugins/lib/log')
const { parseBatch } = require('../../plugins/lib/batch_format')
const { MailSpool } = require('../../plugins/lib/mail_spool')
const { batchOf, documentOf, mailOf } = require('./batch')
const { waitFor } = require('./wait')

log.setLevel('critical')

const [dir] = process.argv.slice(2)
const open = () => MailSpool.open({ dir, maxMails: 1e6, maxBytes: 1e9, neverLost: new Set() })

const text = 'x'.repeat(3000)
const mail = () => {
    const fields = mailOf()
    return { ...fields, values: [...fields.values.slice(0, 2), text] }
}
const batch = () => documentOf(batchOf([mail(), mail(), mail()]))
const submission = () => documentOf(batchOf([mail()], { broadcast_id: 0, stream: 'transactional' }))

async function main() {
    const spool = open()
    const taken = new Map()
    const refusals = []
    const keep = (mails) => mails.forEach((each) => taken.set(each.key, each))
    const attempt = async (work) => {
        try {
            keep(await work())
        } catch (err) {
            refusals.push(err.code)
        }
    }
    const fill = async () => {
        const before = refusals.length
        while (refusals.length < before + 20) {
            const written = parseBatch(batch())
            await Promise.all([
                attempt(() => spool.write(written).then(() => written.mails)),
                attempt(() => spool.append(submission())),
                attempt(() => spool.append(submission())),
            ])
        }
    }
    await fill()
    const { batches } = spool.counts
    for (const each of [...taken.values()].filter((other) => other.batch.mails.length === 3)) {
        spool.done(each)
        taken.delete(each.key)
    }
    await waitFor(() => spool.counts.batches < batches, 'room')
    await fill()
    await spool.close()
    const found = open().left.map((each) => each.mail.key)
    console.log(JSON.stringify({ refusals, answered: [...taken.keys()].sort(), found: found.sort() }))
}

main()
