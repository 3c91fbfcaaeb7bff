'use strict'

const js = require('@eslint/js')
const prettier = require('eslint-config-prettier')
const globals = require('globals')

// What Haraka puts into a plugin's scope (plugins.js, _compile).
const harakaGlobals = {
    OK: 'readonly',
    CONT: 'readonly',
    DENY: 'readonly',
    DENYDISCONNECT: 'readonly',
    DENYSOFT: 'readonly',
    DENYSOFTDISCONNECT: 'readonly',
    server: 'readonly',
}

module.exports = [
    js.configs.recommended,
    {
        languageOptions: { sourceType: 'commonjs', globals: globals.node },
        rules: {
            'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
            'prefer-const': 'error',
            'no-var': 'error',
            eqeqeq: 'error',
            strict: ['error', 'global'],
        },
    },
    { files: ['plugins/*.js'], languageOptions: { globals: harakaGlobals } },
    prettier,
]
