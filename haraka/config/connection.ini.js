'use strict'

const { settings } = require('../plugins/lib/settings')

module.exports = {
    main: {
        smtputf8: true,
        strict_rfc1869: false,
        postel: false,
        spool_dir: settings.temporaryDir,
        // A mail above this size waits on disk while it is received.
        spool_after: 1024 * 1024,
    },
    max: {
        bytes: settings.maxMailBytes,
        mime_parts: 1000,
        line_length: 2048,
        // RFC 5321 section 4.5.3.1.6, with the line's end
        data_line_length: 1000,
    },
    headers: {
        add_received: true,
        show_version: false,
        clean_auth_results: false,
        max_lines: 1000,
        max_received: 100,
    },
    message: { greeting: ['ready'], helo: 'at your service', close: 'closing connection' },
    uuid: { banner_chars: 0, deny_chars: 0 },
    haproxy: { enabled: false, hosts: [] },
}
