'use strict'

/**
 * @param {any[]} items
 * @param {(item: any, index: number) => any} keyOf
 * @returns {any[][]} those of one key together, both in their order
 */
function groupBy(items, keyOf) {
    const groups = new Map()
    items.forEach((item, index) => {
        const key = keyOf(item, index)
        if (groups.has(key)) groups.get(key).push(item)
        else groups.set(key, [item])
    })
    return [...groups.values()]
}

module.exports = { groupBy }
