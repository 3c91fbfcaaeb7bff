'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, before, test } = require('node:test')

const { lockHome } = require('../plugins/lib/home_lock')

let home

before(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'home-lock-'))
})
after(() => fs.rmSync(home, { recursive: true }))

/** A process that holds the lock until it is killed. */
async function holder() {
    const script = `require(${JSON.stringify(require.resolve('../plugins/lib/home_lock'))}).lockHome(process.argv[1])
        process.stdout.write('held')
        process.stdin.resume()`
    const child = spawn(process.execPath, ['-e', script, home])
    await once(child.stdout, 'data')
    return child
}

test('a home that another process holds is refused, with what to do', async () => {
    const child = await holder()
    assert.throws(() => lockHome(home), /Another edge runs in .*EDGE_HOME of its own/)
    child.kill()
    await once(child, 'exit')
})

test('the lock of a killed process is free', async () => {
    const child = await holder()
    child.kill('SIGKILL')
    await once(child, 'exit')
    lockHome(home)
    assert.throws(() => lockHome(home), /Another edge/)
})
