CREATE MATERIALIZED VIEW {table}_errors TO ingest_errors AS
SELECT _topic AS topic, _partition AS partition, _offset AS offset, _error AS error, _raw_message AS record
FROM {table}_queue WHERE _error != ''
