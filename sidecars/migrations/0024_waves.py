"""Broadcasts that go out in waves: an A/B test before the rest, or each reader's own hour."""

COLUMNS = {
    "broadcasts": {
        "test_share": "TINYINT UNSIGNED NULL",
        "test_criterion": "VARCHAR(8) NULL",
        "test_wait_minutes": "INT UNSIGNED NULL",
        "winner_id": "INT UNSIGNED NULL",
        "verdict": "JSON NULL",
        "local_time": "VARCHAR(19) NOT NULL DEFAULT ''",
        "timezone": "VARCHAR(64) NOT NULL DEFAULT ''",
        "when_past": "VARCHAR(8) NOT NULL DEFAULT ''",
        "held": "BOOL NOT NULL DEFAULT 0",
        "release_at": "DATETIME(3) NULL",
    },
    "variants": {"sender_id": "INT UNSIGNED NULL"},
}
FOREIGN_KEY = "variants_sender"


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table, columns in COLUMNS.items():
        there = {column.name for column in db.get_columns(table)}
        for name, definition in columns.items():
            if name not in there:
                db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")
    if "sender_id" not in {key.column for key in db.get_foreign_keys("variants")}:
        db.execute_sql(
            f"ALTER TABLE variants ADD CONSTRAINT {FOREIGN_KEY} "
            "FOREIGN KEY (sender_id) REFERENCES sender_identities (id)"
        )


def down(migrator, db):
    """Drops it. What is held then goes to nobody."""
    db.execute_sql(f"ALTER TABLE variants DROP FOREIGN KEY {FOREIGN_KEY}")
    for table, columns in COLUMNS.items():
        for name in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
