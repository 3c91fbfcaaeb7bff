'use strict'

const { settings } = require('../plugins/lib/settings')

module.exports = {
    main: {
        key: settings.tlsKey,
        cert: settings.tlsCert,
        dhparam: 'dhparams.pem',
        minVersion: 'TLSv1.2',
        honorCipherOrder: true,
        requestCert: false,
        requestOCSP: false,
        mutual_tls: false,
    },
    redis: { disable_for_failed_hosts: false },
}
