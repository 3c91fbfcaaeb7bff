'use strict'

// A process that takes as many of 10 connections of a lane as it gets, and says how many:
//   node edge_with_connections.js REDIS_URL EDGE

const { Budgets } = require('../../plugins/lib/budgets')
const { connect } = require('../../plugins/lib/redis')

const [url, edge] = process.argv.slice(2)
const redis = connect(url)

redis.once('ready', () => {
    const budgets = new Budgets({ redis, edge })
    budgets.start()
    const budget = budgets.of('engage-1', 'mailbox.example')
    budget.limits = { perMinute: 600, connections: 10, mailsPerConnection: 100, ceiling: null }
    setInterval(() => {
        budget.waiting = 1
        if (budget.want(10, Date.now()) === 0) budget.open = Math.min(10, budget.open + 1)
        if (budget.open > budget.connections) {
            budget.open = budget.connections
            budget.giveBack()
        }
        process.send(budget.open)
    }, 20)
})
