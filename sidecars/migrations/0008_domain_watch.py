"""What a sending domain needs to be watched: its next DKIM key, its own tracking host, and when it fails."""

COLUMNS = {
    "next_selector": "VARCHAR(63) NULL AFTER dkim_public_key",
    "next_private_key": "TEXT NULL AFTER next_selector",
    "next_public_key": "TEXT NULL AFTER next_private_key",
    "next_verified_at": "DATETIME(3) NULL AFTER next_public_key",
    "previous_selector": "VARCHAR(63) NULL AFTER next_verified_at",
    "rotated_at": "DATETIME(3) NULL AFTER previous_selector",
    "tracking_host": "VARCHAR(253) NULL AFTER return_path",
    "tracking_verified_at": "DATETIME(3) NULL AFTER tracking_host",
    "failing_since": "DATETIME(3) NULL AFTER verified_at",
    "problems": "JSON NULL AFTER checked_at",
    "next_check_at": "DATETIME(3) NULL AFTER problems",
}
INDEX = "sending_domains_next_check_at"


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    present = {column.name for column in db.get_columns("sending_domains")}
    for name, definition in COLUMNS.items():
        if name not in present:
            db.execute_sql(f"ALTER TABLE sending_domains ADD COLUMN {name} {definition}")
    if INDEX not in {index.name for index in db.get_indexes("sending_domains")}:
        db.execute_sql(f"CREATE INDEX {INDEX} ON sending_domains (next_check_at)")
    # Domains that are there already are looked at once the clock runs.
    db.execute_sql("UPDATE sending_domains SET next_check_at = UTC_TIMESTAMP(3) WHERE next_check_at IS NULL")


def down(migrator, db):
    """Drops them."""
    db.execute_sql(f"DROP INDEX {INDEX} ON sending_domains")
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE sending_domains DROP COLUMN {name}")
