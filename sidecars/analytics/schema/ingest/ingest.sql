CREATE MATERIALIZED VIEW {table}_ingest TO {table} AS
SELECT * FROM {table}_queue WHERE _error = ''
