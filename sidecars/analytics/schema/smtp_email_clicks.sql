-- Links followed and subscriptions ended, each with its verdict. Key, partitions and version: see smtp_messages.
CREATE TABLE IF NOT EXISTS smtp_email_clicks
(
    event_id UUID,
    type LowCardinality(String) COMMENT 'click or unsubscribe',
    method LowCardinality(String) COMMENT 'click; of unsubscribe: one-click, page, mailto or preferences',
    occurred_at DateTime64(3, 'UTC'),
    team_id UInt32,
    broadcast_id UInt32,
    contact_id UInt64,
    variant_id UInt32,
    message_id UUID,
    link_index Nullable(UInt16) COMMENT 'of the variant; null of an unsubscribe',
    url String COMMENT 'as the author wrote it, before Liquid',
    verdict LowCardinality(String) COMMENT 'person, privacy_proxy, scanner or bot',
    reasons Array(LowCardinality(String)),
    ip String,
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    network LowCardinality(String) COMMENT 'name of the autonomous system of the address',
    device LowCardinality(String) COMMENT 'phone, tablet, desktop, or empty: unknown',
    os LowCardinality(String),
    browser LowCardinality(String),
    http_method LowCardinality(String),
    user_agent String,
    referer String,
    headers Map(LowCardinality(String), String),
    processed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(processed_at)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (team_id, broadcast_id, message_id, event_id);

-- A contact's activity asks by contact, which is not in the key. Parts from before have none, and are read.
ALTER TABLE smtp_email_clicks ADD INDEX IF NOT EXISTS by_contact contact_id TYPE bloom_filter(0.01) GRANULARITY 1;
