'use strict'

// Fills a small disk with events, has all of them taken, and so on, and tells of each time:
//   node fill_events.js FOLDER   → [{"appended": number, "taken": number} …]

const log = require('../../plugins/lib/log')
const { Spool } = require('../../plugins/lib/spool')
const { waitFor } = require('./wait')

log.setLevel('critical')

const spool = new Spool(process.argv[2])
const fits = () =>
    spool.append({ padding: 'x'.repeat(4000) }).then(
        () => true,
        () => false,
    )

async function main() {
    const rounds = []
    for (let round = 0; round < 3; round++) {
        await waitFor(fits, 'room')
        let appended = 1
        while (await fits()) appended++
        let taken = 0
        for (let batch; (batch = await spool.next(10, 1 << 20)); await spool.taken(batch.end))
            taken += batch.count
        rounds.push({ appended, taken })
    }
    console.log(JSON.stringify(rounds))
}

main()
