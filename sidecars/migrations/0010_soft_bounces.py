"""Bounces that may pass, by address: enough of them in some weeks suppress it for a while."""

OLD_REASONS = ("hard_bounce", "complaint", "unsubscribe", "manual")
NEW_REASONS = (*OLD_REASONS, "soft_bounce", "mailbox_full")
STREAMS = ("all", "broadcast", "transactional")


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    db.execute_sql("""
        CREATE TABLE IF NOT EXISTS soft_bounces (
            team_id INT UNSIGNED NOT NULL,
            email VARCHAR(254) COLLATE utf8mb4_bin NOT NULL,
            event_id VARCHAR(36) NOT NULL,
            bounced_at DATETIME(3) NOT NULL,
            PRIMARY KEY (team_id, email, event_id),
            KEY (bounced_at),
            FOREIGN KEY (team_id) REFERENCES teams (id)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""")
    _check(db, NEW_REASONS)


def down(migrator, db):
    """Drops it, and the suppressions that came of it."""
    db.execute_sql("DELETE FROM suppressions WHERE reason IN ('soft_bounce', 'mailbox_full')")
    _check(db, OLD_REASONS)
    db.execute_sql("DROP TABLE soft_bounces")


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
