"""When a suppression, a removal or an erasure was last written: what is new to edges since a moment."""

TABLES = ("suppressions", "suppression_removals", "erased_addresses")
# By the database's clock, whoever writes.
COLUMN = "DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table in TABLES:
        if "changed_at" not in {column.name for column in db.get_columns(table)}:
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN changed_at {COLUMN}, ADD KEY (changed_at)")


def down(migrator, db):
    """Drops it."""
    for table in TABLES:
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN changed_at")
