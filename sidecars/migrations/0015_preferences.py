"""What readers see of an audience on the preference page, and pauses that they take."""

OLD_REASONS = ("hard_bounce", "complaint", "unsubscribe", "manual", "soft_bounce", "mailbox_full")
NEW_REASONS = (*OLD_REASONS, "pause")
STREAMS = ("all", "broadcast", "transactional")

COLUMNS = {
    "public_name": "VARCHAR(120) NOT NULL DEFAULT ''",
    "description": "VARCHAR(500) NOT NULL DEFAULT ''",
    "is_open": "TINYINT(1) NOT NULL DEFAULT 0",
    "locale": "VARCHAR(35) NOT NULL DEFAULT ''",
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    there = {column.name for column in db.get_columns("audiences")}
    for name, definition in COLUMNS.items():
        if name not in there:
            db.execute_sql(f"ALTER TABLE audiences ADD COLUMN {name} {definition}")
    _check(db, NEW_REASONS)


def down(migrator, db):
    """Drops it, and whoever paused gets mail again."""
    db.execute_sql("DELETE FROM suppressions WHERE reason = 'pause'")
    _check(db, OLD_REASONS)
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE audiences DROP COLUMN {name}")


def _check(db, reasons):
    """Writes the table's checks anew: MySQL and MariaDB each name them their own way."""
    names = db.execute_sql("""
        SELECT constraint_name FROM information_schema.table_constraints
         WHERE table_schema = DATABASE() AND table_name = 'suppressions' AND constraint_type = 'CHECK'""")
    drops = [f"DROP CONSTRAINT `{name}`" for (name,) in names.fetchall()]
    adds = [
        f"ADD CHECK ({column} IN ({', '.join(map(repr, words))}))"
        for column, words in (("stream", STREAMS), ("reason", reasons))
    ]
    for change in (drops, adds):
        if change:
            db.execute_sql(f"ALTER TABLE suppressions {', '.join(change)}")
