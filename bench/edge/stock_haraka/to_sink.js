'use strict'

// The two things that a relay must be told: that its peer may relay, and where mail goes (all of it to the sink,
// each domain to an address of its own). Everything else is Haraka as it comes.

exports.register = function () {
    this.cfg = this.config.get('to_sink.json')
}

exports.hook_connect = function (next, connection) {
    connection.relaying = true
    next()
}

exports.hook_rcpt = (next) => next(OK)

exports.hook_get_mx = function (next, hmail, domain) {
    next(OK, { priority: 0, exchange: this.cfg.addresses[domain], port: this.cfg.port })
}
