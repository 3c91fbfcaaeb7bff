"""Imports that survive their worker: who holds one, until when, and how often it was tried."""

COLUMNS = {
    "rows_duplicate": "INT UNSIGNED NOT NULL DEFAULT 0 AFTER rows_invalid",
    "attempts": "SMALLINT UNSIGNED NOT NULL DEFAULT 0 AFTER reason",
    "claim": "BINARY(16) NULL AFTER attempts",
    "lease_until": "DATETIME(3) NULL AFTER claim",
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    present = {column.name for column in db.get_columns("contact_imports")}
    for name, definition in COLUMNS.items():
        if name not in present:
            db.execute_sql(f"ALTER TABLE contact_imports ADD COLUMN {name} {definition}")


def down(migrator, db):
    """Drops them."""
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE contact_imports DROP COLUMN {name}")
