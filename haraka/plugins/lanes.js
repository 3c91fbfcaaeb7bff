'use strict'

// All mail leaves over the lanes (lib/way_out.js). Haraka keeps the queue of what has to wait: it reads its queue
// files, and each attempt goes to the lanes. It opens no connection of its own.

const services = require('./lib/services')
const { settings } = require('./lib/settings')
const { WayOut } = require('./lib/way_out')

exports.register = function () {
    const wayOut = new WayOut(services, settings, this.haraka_require('outbound/qfile'))
    wayOut.measure()
    Object.assign(services, { wayOut, dispatcher: wayOut.dispatcher })
    this.giveQueueTo(wayOut.tail)
}

exports.giveQueueTo = function (tail) {
    const HMailItem = this.haraka_require('outbound/hmail')
    tail.read = (file) => {
        const hmail = new HMailItem(file, tail.files.pathOf(file))
        const unreadable = (reason) => tail.unreadable(file, String(reason))
        hmail.once('error', unreadable)
        hmail.next_cb = () => unreadable('it cannot be opened')
        hmail.temp_fail = unreadable
        hmail.send()
    }
    HMailItem.prototype.get_mx = function () {
        tail.attempt(this.filename, this.todo)
    }
    // What Haraka finds at its start.
    this.haraka_require('outbound/queue')._add_file = async (file) => tail.schedule(file)
}

// Before Haraka reads its queue, and before the claims of batches are taken up (plugins/batch.js).
exports.hook_init_master = async (next) => {
    await services.wayOut.start()
    next()
}
