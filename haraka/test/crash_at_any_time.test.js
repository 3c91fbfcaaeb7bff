'use strict'

const { test } = require('node:test')

const { Dice } = require('./support/dice')
const { assertCounts, finish, live, prepare, someBatches, submitAll } = require('./support/lives')
const { waitFor } = require('./support/wait')

prepare()

test('killed again and again while it is busy, it loses nothing and sends nothing of a broadcast twice', async () => {
    const dice = new Dice(20)
    const batches = Array.from({ length: 15 }, someBatches).flat()
    const answered = () => batches.filter((batch) => batch.answered).length
    for (let kills = 0; kills < 4; kills++) {
        const enough = answered() + dice.roll(12)
        await live('', async (edge) => {
            const submitting = submitAll(batches)
            await waitFor(() => answered() >= enough, 'the moment to die')
            await edge.kill()
            await submitting
        })
    }
    await live('', () => finish(batches))
    assertCounts(batches)
})
