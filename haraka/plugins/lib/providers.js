'use strict'

// Who receives: told by the MX host, not by the recipient's domain. All domains that Google hosts are one provider.

const { getDomain } = require('tldts')

// The registrable domain of the MX hosts → the name that operators know. The rest go by their domain.
const NAMES = {
    'google.com': 'google',
    'googlemail.com': 'google',
    'outlook.com': 'microsoft',
    'office365.us': 'microsoft',
    'hotmail.com': 'microsoft',
    'mx.microsoft': 'microsoft',
    'yahoodns.net': 'yahoo',
    'icloud.com': 'icloud',
    'apple.com': 'icloud',
    'comcast.net': 'comcast',
    'charter.net': 'charter',
    'gmx.net': 'gmx',
    'web.de': 'gmx',
    'kundenserver.de': 'ionos',
    'ionos.com': 'ionos',
    '1and1.com': 'ionos',
    't-online.de': 't-online',
    'orange.fr': 'orange',
    'free.fr': 'free',
    'laposte.net': 'laposte',
    'ovh.net': 'ovh',
    'mail.ru': 'mailru',
    'yandex.net': 'yandex',
    'yandex.ru': 'yandex',
    'qq.com': 'tencent',
    'protonmail.ch': 'proton',
    'messagingengine.com': 'fastmail',
    'zoho.com': 'zoho',
    'zoho.eu': 'zoho',
    'pphosted.com': 'proofpoint',
    'ppe-hosted.com': 'proofpoint',
    'mimecast.com': 'mimecast',
    'barracudanetworks.com': 'barracuda',
    'messagelabs.com': 'broadcom',
    'iphmx.com': 'cisco',
    'secureserver.net': 'godaddy',
    'emailsrvr.com': 'rackspace',
    'mailgun.org': 'mailgun',
    'amazonaws.com': 'amazon',
}

/**
 * @param {string} host name of the best MX, in lower case
 * @returns {string} the provider's name; the registrable domain of those that are not known
 */
function providerOf(host) {
    const domain = getDomain(host) ?? host
    return NAMES[domain] ?? domain
}

module.exports = { providerOf }
