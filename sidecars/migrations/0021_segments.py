"""Segments by the filter language, whom a broadcast leaves out, and sets of people who opened or clicked."""

ENGINE = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"

COLUMNS = {
    "segments": {
        "version": "SMALLINT UNSIGNED NOT NULL DEFAULT 1",
        "updated_at": "DATETIME(3) NULL",
        # The number of people when it was last counted, and when it is worth counting again.
        "contacts": "INT UNSIGNED NULL",
        "subscribed": "INT UNSIGNED NULL",
        "counted_at": "DATETIME(3) NULL",
        "recount_at": "DATETIME(3) NULL",
    },
    "broadcasts": {
        "exclusions": "JSON NULL",
        # What publishing froze of segment and exclusions.
        "choice": "JSON NULL",
    },
}
TABLES = {
    # Who fulfilled a condition about broadcasts as of a moment; `digest` is that of the condition.
    "engagement_sets": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        audience_id INT UNSIGNED NOT NULL,
        digest BINARY(32) NOT NULL,
        as_of DATETIME(3) NOT NULL,
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (audience_id, digest, as_of),
        KEY (created_at),
        FOREIGN KEY (audience_id) REFERENCES audiences (id)""",
    # No foreign keys: a million rows come and go at once.
    "engaged_contacts": """
        set_id INT UNSIGNED NOT NULL,
        contact_id BIGINT UNSIGNED NOT NULL,
        PRIMARY KEY (set_id, contact_id)""",
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table, columns in COLUMNS.items():
        there = {column.name for column in db.get_columns(table)}
        for name, definition in columns.items():
            if name not in there:
                db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")
    for table, columns in TABLES.items():
        db.execute_sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) {ENGINE}")


def down(migrator, db):
    """Drops it."""
    for table in TABLES:
        db.execute_sql(f"DROP TABLE {table}")
    for table, columns in COLUMNS.items():
        for name in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
