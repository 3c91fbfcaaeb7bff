"""What is said of mail that teams submit: whether a domain follows it, and how much a team may have."""

COLUMNS = {
    "sending_domains": {
        "track_opens": "BOOL NOT NULL DEFAULT FALSE AFTER tracking_verified_at",
        "track_clicks": "BOOL NOT NULL DEFAULT FALSE AFTER track_opens",
    },
    "teams": {"recipients_an_hour": "INT UNSIGNED NULL AFTER name"},
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table, columns in COLUMNS.items():
        present = {column.name for column in db.get_columns(table)}
        for name, definition in columns.items():
            if name not in present:
                db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")


def down(migrator, db):
    """Drops them."""
    for table, columns in COLUMNS.items():
        for name in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
