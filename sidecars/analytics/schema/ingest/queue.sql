-- Reads a topic of rows, one JSON object a line and many a record, while a view selects from it.
-- Flushing each second makes an event visible within two; at the defaults it takes eight.
-- A key that the table does not know is skipped, so that an enricher may be newer than the schema.
-- How soon ingestion goes on after a kill is the server's own setting: <kafka><session_timeout_ms>.
CREATE TABLE {table}_queue AS {table}
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{brokers}',
    kafka_topic_list = '{topic}',
    kafka_group_name = '{topic}',
    kafka_format = 'JSONEachRow',
    kafka_handle_error_mode = 'stream',
    kafka_flush_interval_ms = 1000,
    kafka_poll_timeout_ms = 200,
    kafka_max_block_size = 65536,
    date_time_input_format = 'best_effort',
    input_format_skip_unknown_fields = 1
COMMENT '{version}'
