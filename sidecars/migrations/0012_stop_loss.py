"""When a broadcast was let go on: what bounced before that stops it no second time."""


def up(migrator, db):
    """Adds the column where it is missing."""
    if "resumed_at" not in {column.name for column in db.get_columns("broadcasts")}:
        db.execute_sql("ALTER TABLE broadcasts ADD COLUMN resumed_at DATETIME(3) NULL AFTER planned_at")


def down(migrator, db):
    """Drops it."""
    db.execute_sql("ALTER TABLE broadcasts DROP COLUMN resumed_at")
