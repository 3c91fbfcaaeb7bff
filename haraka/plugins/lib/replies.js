'use strict'

// What a server's refusal says about the lane. The rules are data, in replies.json, each with its source; the first
// that fits counts. They are told by their texts alone: providers lend their servers and their words to others.

const { classes, rules } = require('./replies.json')

const COMPILED = rules.map(({ code, enhanced, text, ...rule }) => ({
    ...rule,
    code: code && new RegExp(code),
    enhanced: enhanced && new RegExp(enhanced),
    text: text && new RegExp(text, 'is'),
}))

/**
 * @param {{code: number, enhanced: string | null, text: string}} reply
 * @returns {'rate' | 'connections' | 'session' | 'reputation' | 'server' | 'idle' | 'mail' | 'recipient' | null} null: it says
 *   nothing of the kind, as is so of every 2xx and 3xx
 */
function classify({ code, enhanced, text }) {
    if (code < 400) return null
    const rule = COMPILED.find(
        (it) =>
            (!it.code || it.code.test(code)) &&
            (!it.enhanced || it.enhanced.test(enhanced ?? '')) &&
            (!it.text || it.text.test(text)),
    )
    return rule?.class ?? null
}

/** The table of docs/shaping.md. */
function asMarkdown() {
    const cell = (text) => (text ? `\`${text.replaceAll('|', '\\|')}\`` : '')
    const rows = rules.map(
        (rule) => `| ${rule.class} | ${cell(rule.text ?? rule.enhanced ?? rule.code)} | ${rule.source} |`,
    )
    return ['| Class | What the reply says | Source |', '|---|---|---|', ...rows].join('\n')
}

module.exports = { classify, meanings: classes, rules }

if (require.main === module) console.log(asMarkdown())
