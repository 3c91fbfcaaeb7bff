"""Where the sends of broadcasts that ended long ago are: in Parquet files in S3, each noted here."""

TABLE = """
    broadcast_id INT UNSIGNED NOT NULL,
    lo BIGINT UNSIGNED NOT NULL,
    hi BIGINT UNSIGNED NOT NULL,
    n INT UNSIGNED NOT NULL,
    first_message_id BINARY(16) NOT NULL,
    last_message_id BINARY(16) NOT NULL,
    counts JSON NOT NULL,
    object_key VARCHAR(255) NOT NULL,
    written_at DATETIME(3) NOT NULL,
    dropped_at DATETIME(3) NULL,
    PRIMARY KEY (broadcast_id, lo),
    KEY (last_message_id, first_message_id),
    KEY (dropped_at),
    FOREIGN KEY (broadcast_id) REFERENCES broadcasts (id),
    CHECK (lo <= hi)"""


def up(migrator, db):
    """DDL commits by itself, so a second try goes on where a broken one stopped."""
    db.execute_sql(
        f"CREATE TABLE IF NOT EXISTS archived_parts ({TABLE}) "
        "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
    )
    if "archived_at" not in {column.name for column in db.get_columns("broadcasts")}:
        db.execute_sql("ALTER TABLE broadcasts ADD COLUMN archived_at DATETIME(3) NULL AFTER finished_at")


def down(migrator, db):
    """Drops both; what is in S3 stays there."""
    db.execute_sql("ALTER TABLE broadcasts DROP COLUMN archived_at")
    db.execute_sql("DROP TABLE IF EXISTS archived_parts")
