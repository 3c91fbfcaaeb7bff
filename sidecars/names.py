"""Every name that two processes must spell alike: Redis keys, Kafka topics, mail headers.

Nothing else in the tree writes these as a literal. The Node side keeps the same
spellings in `haraka/plugins/lib/names.js`; `tests/test_names.py` compares the two.
"""

from uuid import UUID

# --- Redis keys ---------------------------------------------------------------------------


def team_key(team_id: int | str) -> str:
    """Hash read by the edge at AUTH: name, domains (comma-separated), `key:<sha256 hex>` → API key.

    A key is its id, the words of its scope (`accounts/scopes.py`) and `expires:<seconds since 1970>`, between
    blanks. Only those that may submit mail are there.
    """
    return f"TEAM:{team_id}"


KEY_SEND_ONLY = "send_only"
KEY_EXPIRES = "expires:"
# The permission that submitting takes, of a key with permissions of its own.
PERMISSION_TO_SUBMIT = "emails:send"


# Hash: API key id → when an edge last saw it used, in seconds since 1970; till the clock writes it down.
KEY_USES_KEY = "API_KEYS:USED"


def domain_key(domain: str) -> str:
    """Hash read by the edge at signing: team_id, selector, private_key (sealed), return_path.

    With `ed25519_selector` and `ed25519_private_key` where mail gets a second signature.
    """
    return f"DOMAIN:{domain.lower()}"


# Set when every team, domain and broadcast held back stands in Redis; its absence says that Redis lost them.
EDGE_RECORDS_KEY = "EDGE:RECORDS"


def edge_records_mark(filling: str) -> str:
    """There while someone fills Redis; gone before its end where Redis lost its data again."""
    return f"EDGE:FILLING:{filling}"


# Hash: broadcast → JSON {action: pause or cancel, at}; read by the edges.
BROADCASTS_HELD_KEY = "BROADCASTS:HELD"
# Pub/sub: a message says that this hash has changed.
BROADCASTS_CHANNEL = "broadcasts"
# Whoever writes the hash holds this lock.
BROADCASTS_WRITING_KEY = "BROADCASTS:WRITING"


def broadcast_claim_key(broadcast_id: int, contact_id: int) -> str:
    """Marks one recipient of one broadcast as handed over; set by the edge, once (NX)."""
    return f"BROADCAST:{broadcast_id}:{contact_id}"


def email_claim_key(message_id: UUID | str) -> str:
    """The same guard for a mail that belongs to no broadcast."""
    return f"EMAIL:{message_id}"


def submission_claim_key(team_id: int, digest: str) -> str:
    """The same by a team's own idempotency key and the recipient; of the edges alone, gone after a day."""
    return f"SUBMISSION:{team_id}:{digest}"


def message_key(message_id: UUID | str) -> str:
    """`team:broadcast:contact:variant` of a message id, for a week; the ledger answers after that."""
    return f"MESSAGE:{message_id}"


def recent_clicks_key(message_id: UUID | str) -> str:
    """The raw clicks of a mail in the last minutes, by event id: how many come together shows a scanner."""
    return f"CLICKS:{message_id}"


def requests_key(who: str, minute: int) -> str:
    """Counts requests to the API: of whom (`key:12`), in which minute since 1970; gone a minute later."""
    return f"REQUESTS:{who}:{minute}"


def recipients_key(team_id: int, hour: int) -> str:
    """How many recipients a team has submitted in an hour, counted from 1970; of the edges alone."""
    return f"RECIPIENTS:{team_id}:{hour}"


def login_failures_key(who: str) -> str:
    """Failed logins of a network or a team (`team-7`) at the edges, of `web-…` at the API; for a while."""
    return f"LOGIN_FAILURES:{who}"


def login_lock_key(who: str) -> str:
    """There for as long as nobody of that network or team may try to log in."""
    return f"LOGIN_LOCK:{who}"


def login_known_key(who: int | str, network: str) -> str:
    """The team, or the person, has logged in from there in the last month."""
    return f"LOGIN_KNOWN:{who}:{network}"


def one_time_key(purpose: str, digest: str) -> str:
    """What a login that began waits for, once, for minutes: a passkey's challenge, a provider's answer."""
    return f"ONE_TIME:{purpose}:{digest}"


def suppressed_key(team_id: int | str) -> str:
    """Hash read by the edge at RCPT: a keyed digest of an address → what keeps it from the team's mail.

    That is `<stream> <reason> <since, ISO date> <until, seconds since 1970>` of each suppression, with commas
    between. One for ever has no until, one of an erased address no since either (`edge/suppressed.py`).
    """
    return f"SUPPRESSED:{team_id}"


def suppressed_written_key(secret: str) -> str:
    """Till when (ISO, by MySQL's clock) all suppressions stand in Redis, by digests of that secret."""
    return f"SUPPRESSED:WRITTEN:{secret}"


# Hash: source → JSON {address, helo, edge, pools, team_id}; read by the edges.
SOURCES_KEY = "SOURCES"

# Hash: provider or `*` → JSON {connections, mails_per_connection, per_minute, per_day}; null: the default.
LANE_POLICIES_KEY = "LANES:POLICIES"

# Hash: `<source or *>|<provider or *>` → JSON {action: pause or drain, reason, by, at}.
LANE_CONTROLS_KEY = "LANES:CONTROLS"

# Pub/sub: a message says that one of the three hashes above, or a warm-up, has changed.
LANES_CHANNEL = "lanes"
# In the place of a source's or a provider's name: all of them.
LANES_ALL = "*"
# The last operator's action that Redis knows of.
LANES_VERSION_KEY = "LANES:VERSION"
# Whoever writes the records of lanes holds this lock.
LANES_WRITING_KEY = "LANES:WRITING"

# Sorted set of the edges that live, by the time at which each was last heard; of the edges alone.
LIVE_EDGES_KEY = "LANES:EDGES"


def warmup_key(source: str) -> str:
    """Hash: provider or `*` → JSON {surplus: wait or overflow, days: {ISO date: mails}}; UTC days."""
    return f"WARMUP:{source}"


def lane_budget_key(source: str, provider: str) -> str:
    """What the edges have leased of a lane's limits; of the edges alone, gone when the lane rests."""
    return f"LANES:BUDGET:{source}:{provider}"


def lane_used_key(source: str, provider: str, day: str) -> str:
    """Hash {leased, returned}: mails of a UTC day (`20261124`) under a ceiling.

    `*`: of all providers without a plan of their own.
    """
    return f"LANES:USED:{source}:{provider}:{day}"


def lane_state_key(edge: str) -> str:
    """JSON rows of an edge's lanes, written each second, forgotten after ten."""
    return f"LANES:STATE:{edge}"


def spool_state_key(edge: str) -> str:
    """JSON {mails, broadcasts: {id: mails}, event_bytes}: what an edge has not done yet; as above."""
    return f"SPOOL:{edge}"


MESSAGE_TTL_SECONDS = 7 * 24 * 3600
CLAIM_TTL_SECONDS = 7 * 24 * 3600
RECENT_CLICKS_TTL_SECONDS = 10 * 60
HUEY_QUEUE = "kibamail"
# List: a word for each worker that is to look for mail of apps.
EMAILS_WAITING_KEY = "EMAILS:WAITING"
COURIER_QUEUE = "courier"
# List: a word for each worker that is to look for mail of apps.
EMAILS_WAITING_KEY = "EMAILS:WAITING"

# --- Addresses ----------------------------------------------------------------------------


def address_key(address: str) -> str:
    """An address as it is kept and compared: trimmed, lower case.

    RFC 5321 section 2.4 lets a host tell `Bob@` from `bob@`; no mailbox provider does, and two rows
    for one person would mail them twice.
    """
    return address.strip().lower()


# --- Kafka topics -------------------------------------------------------------------------

TOPIC_STATUSES = "smtp_messages_statuses"
TOPIC_OPENS = "smtp_email_opens"
TOPIC_CLICKS = "smtp_email_clicks"

TOPIC_CH_MESSAGES = "clickhouse_smtp_messages"
TOPIC_CH_OPENS = "clickhouse_smtp_email_opens"
TOPIC_CH_CLICKS = "clickhouse_smtp_email_clicks"

RAW_TOPICS = (TOPIC_STATUSES, TOPIC_OPENS, TOPIC_CLICKS)
CLICKHOUSE_TOPICS = (TOPIC_CH_MESSAGES, TOPIC_CH_OPENS, TOPIC_CH_CLICKS)


def dead_topic(topic: str) -> str:
    """Where a record goes that could not be processed, with its reason in the record's headers."""
    return f"{topic}_dead"


# Of an unsubscribe that the preference page did itself: it is counted, and not done again.
METHOD_PREFERENCES = "preferences"

ENRICHER_GROUP = "enricher"
# Topic → the group of consumers that reads it; ClickHouse's are named after their topics.
READERS = dict.fromkeys(RAW_TOPICS, ENRICHER_GROUP) | {topic: topic for topic in CLICKHOUSE_TOPICS}

ALL_TOPICS = RAW_TOPICS + CLICKHOUSE_TOPICS + tuple(dead_topic(t) for t in RAW_TOPICS)

# --- Mail headers -------------------------------------------------------------------------

HEADER_MESSAGE_ID = "X-Kibamail-Message-ID"
HEADER_BROADCAST_ID = "X-Kibamail-Broadcast-ID"
HEADER_CONTACT_ID = "X-Kibamail-Contact-ID"

# What a submitter says about a mail; they never leave (docs/submission.md).
HEADER_TAG = "X-Kibamail-Tag"
HEADER_METADATA = "X-Kibamail-Metadata"
HEADER_STREAM = "X-Kibamail-Stream"
HEADER_TRACK = "X-Kibamail-Track"
HEADER_IDEMPOTENCY_KEY = "X-Kibamail-Idempotency-Key"
HEADER_SEND_AT = "X-Kibamail-Send-At"

# --- HTTP headers between the edge and the webhook receiver ---------------------------------

HEADER_TIMESTAMP = "X-Kibamail-Timestamp"
HEADER_SIGNATURE = "X-Kibamail-Signature"

# --- Paths of the public tracking host ----------------------------------------------------

PATH_CLICK = "/c"
PATH_OPEN = "/o"
PATH_UNSUBSCRIBE = "/u"
PATH_PREFERENCES = "/p"
PATH_CONFIRM = "/s"
PATH_MEDIA = "/m"
PATH_MTA_EVENTS = "/mta/events"

# --- Local parts at a return-path domain ----------------------------------------------------

VERP_PREFIX = "b-"
UNSUBSCRIBE_PREFIX = "u-"
