'use strict'

// The whole edge, run as the Procfile runs it, with everything around it real and on loopback.

const { execFileSync, spawn } = require('node:child_process')
const { createCipheriv, createHash, generateKeyPairSync, randomBytes } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const nodemailer = require('nodemailer')

const names = require('../../plugins/lib/names')
const { makeToken } = require('../../plugins/lib/tokens')
const { batchOf, documentOf, mailOf } = require('./batch')
const { Mailbox } = require('./mailbox')
const { freePorts } = require('./ports')
const { WebhookReceiver } = require('./receiver')
const { RedisServer } = require('./redis')
const { waitFor } = require('./wait')
const { Worker } = require('./worker')

const ENTRY = path.join(__dirname, '..', '..', 'edge.js')

const TEAM = { id: 7, apiKey: 'kiba_test_key_of_team_seven' }
const DOMAIN = 'news.acme.example'
const RETURN_PATH = `kb.${DOMAIN}`
const SELECTOR = 'kiba1'

class Edge {
    /** Everything around the edge, and the edge, each on ports of its own. `env` is added to its environment. */
    static async start(env = {}, nodeArgs = []) {
        const edge = Object.assign(new Edge(), { nodeArgs })
        await edge.#surround(env)
        try {
            await edge.launch()
        } catch (err) {
            await edge.stop()
            throw err
        }
        return edge
    }

    async #surround(env) {
        // Nodes have theirs above that for health.
        const nodes = env.KIBA_NODES ?? 0
        const [redis, webhook, smtpPort, dnsPort, inbound, submission, smtps, internal, health] =
            await freePorts(9 + nodes)
        this.home = fs.mkdtempSync(path.join(os.tmpdir(), 'edge-test-'))
        this.ports = { inbound, submission, smtps, internal, health }
        this.secrets = {
            WEBHOOK_SECRET: randomBytes(24).toString('hex'),
            INTERNAL_SECRET: randomBytes(24).toString('hex'),
            TOKEN_SECRET: randomBytes(24).toString('hex'),
            ENCRYPTION_KEY: randomBytes(32).toString('hex'),
        }
        this.redis = await new RedisServer(redis).start()
        this.webhook = await new WebhookReceiver(webhook, this.secrets.WEBHOOK_SECRET).start()
        this.mailbox = await new Mailbox({ smtpPort, dnsPort }).start()
        this.env = {
            PATH: process.env.PATH,
            EDGE_HOME: this.home,
            KIBA_HOSTNAME: 'mx.kibamail.test',
            KIBA_SMTP_INBOUND_PORT: inbound,
            KIBA_SMTP_SUBMISSION_PORT: submission,
            KIBA_SMTPS_PORT: smtps,
            EDGE_PORT: internal,
            KIBA_SMTP_HEALTH_PORT: health,
            KIBA_ALLOW_LOCAL_MX: 1,
            KIBA_DELIVERY_PORT: smtpPort,
            KIBA_RETRY_SCHEDULE: '1s*2',
            DNS_SERVERS: `127.0.0.1:${dnsPort}`,
            REDIS_URL: this.redis.url,
            WEBHOOK_URL: this.webhook.url,
            ...certificate(this.home),
            ...this.secrets,
            ...env,
        }
        await this.writeRecords()
        await this.recordsAreThere()
    }

    /** Team 7 with one API key and one domain, as the API writes them. */
    async writeRecords() {
        this.keys ??= generateKeyPairSync('rsa', {
            modulusLength: 2048,
            publicKeyEncoding: { type: 'spki', format: 'der' },
            privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        })
        await this.redis.client.hset(names.teamKey(TEAM.id), {
            name: 'Acme',
            domains: DOMAIN,
            [`key:${createHash('sha256').update(TEAM.apiKey).digest('hex')}`]: '70',
        })
        await this.redis.client.hset(names.domainKey(DOMAIN), {
            team_id: TEAM.id,
            selector: SELECTOR,
            private_key: seal(this.keys.privateKey, this.secrets.ENCRYPTION_KEY),
            return_path: RETURN_PATH,
            tracking_url: 'http://127.0.0.1',
        })
    }

    /** As the clock says that Redis has all of them. */
    recordsAreThere() {
        return this.redis.client.set(names.EDGE_RECORDS_KEY, 1)
    }

    async launch() {
        this.logs = []
        this.process = spawn(process.execPath, [...this.nodeArgs, ENTRY], {
            env: this.env,
            stdio: ['ignore', 'pipe', 'pipe'],
        })
        let rest = ''
        this.process.stdout.on('data', (data) => {
            const lines = (rest + data).split('\n')
            rest = lines.pop()
            this.logs.push(...lines.map(parseLine))
        })
        this.stderr = ''
        this.process.stderr.on('data', (data) => (this.stderr += data))
        this.exited = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)))
        await waitFor(async () => {
            if (this.process.exitCode !== null) throw new Error(`the edge ended: ${this.output()}`)
            return (await this.health()).status === 'ok'
        }, 'a healthy edge')
    }

    async health() {
        try {
            return await (await fetch(`http://127.0.0.1:${this.ports.health}/health`)).json()
        } catch {
            return {}
        }
    }

    async metric(line) {
        const text = await (await fetch(`http://127.0.0.1:${this.ports.health}/metrics`)).text()
        const found = text.split('\n').find((other) => other.startsWith(`${line} `))
        return found && Number(found.split(' ').at(-1))
    }

    logged(event) {
        return waitFor(() => this.logs.find((line) => line.event === event), `the log line "${event}"`)
    }

    output() {
        return JSON.stringify(this.logs, null, 1) + this.stderr
    }

    async kill() {
        this.process.kill('SIGKILL')
        await this.exited
    }

    async stop() {
        if (this.process.exitCode === null && this.process.signalCode === null) {
            this.process.kill('SIGTERM')
            await this.exited
        }
        await this.mailbox.stop()
        await this.webhook.stop()
        await this.redis.stop()
        fs.rmSync(this.home, { recursive: true, force: true })
    }

    /** A nodemailer transport of the team, over STARTTLS. */
    team(options = {}) {
        return nodemailer.createTransport({
            host: '127.0.0.1',
            port: this.ports.submission,
            requireTLS: true,
            tls: { rejectUnauthorized: false },
            auth: { user: String(TEAM.id), pass: TEAM.apiKey },
            ...options,
        })
    }

    /** A mail of a batch, as support/batch.js has it, with its return path. */
    mail(fields = {}) {
        const mail = mailOf(fields)
        return { ...mail, sender: fields.sender ?? this.returnPathOf(mail.messageId) }
    }

    /** Hands mails over as one batch; `fields` are the batch's. @returns {Promise<string>} the answer's lines */
    async handOver(mails, fields) {
        const worker = await Worker.connect(this)
        const reply = await worker.submit(documentOf(batchOf(mails, fields)))
        worker.end()
        return reply
    }

    /** Hands over one mail of a broadcast. @returns {Promise<object>} the mail */
    async send(recipient, fields, batchFields) {
        const mail = this.mail({ recipient, ...fields })
        const reply = await this.handOver([mail], batchFields)
        if (!reply.startsWith('250-0-0 queued')) throw new Error(reply)
        return mail
    }

    returnPathOf(messageId) {
        return `${names.VERP_PREFIX}${this.token(messageId)}@${RETURN_PATH}`
    }

    token(messageId) {
        return makeToken(messageId, this.secrets.TOKEN_SECRET)
    }
}

function parseLine(line) {
    try {
        return JSON.parse(line)
    } catch {
        return { not_json: line }
    }
}

function seal(plaintext, key) {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'hex'), nonce)
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString(
        'base64',
    )
}

function certificate(home) {
    const [cert, key] = ['cert.pem', 'key.pem'].map((file) => path.join(home, file))
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const what = ['-x509', ...ec, '-subj', '/CN=mx.kibamail.test', '-days', '2', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', ...what], { stdio: 'ignore' })
    return { KIBA_TLS_CERT: cert, KIBA_TLS_KEY: key }
}

module.exports = { Edge, TEAM, DOMAIN, RETURN_PATH, SELECTOR, seal }
