-- Records that ClickHouse could not parse: each whole, as one broken row keeps its neighbours out too.
CREATE TABLE IF NOT EXISTS ingest_errors
(
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    error String,
    record String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (topic, at)
