"""Notices to a team's people, streams of submitted mail that stopped, names that several teams register.

A name is one team's once its domain is verified; `held_name` says so, null while it is not. A sender whose
domain was removed stays, for the history of what it sent.
"""

TABLES = {
    "notices": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        kind VARCHAR(32) NOT NULL,
        about VARCHAR(64) NOT NULL,
        occurrence VARCHAR(64) NOT NULL,
        subject VARCHAR(255) NOT NULL,
        text TEXT NOT NULL,
        state VARCHAR(16) NOT NULL,
        reason VARCHAR(255) NOT NULL DEFAULT '',
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (team_id, kind, about, occurrence),
        KEY (state),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (state IN ('waiting', 'addressed', 'mailed', 'unmailed'))""",
    "mail_streams": """
        team_id INT UNSIGNED NOT NULL,
        stream VARCHAR(16) NOT NULL,
        stopped_at DATETIME(3) NULL,
        reason VARCHAR(255) NOT NULL DEFAULT '',
        resumed_at DATETIME(3) NULL,
        PRIMARY KEY (team_id, stream),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (stream IN ('broadcast', 'transactional'))""",
}
OLD_SOURCES = ("smtp", "api", "test")
NEW_SOURCES = (*OLD_SOURCES, "notice")
NAMES = "name_and_team"


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )
    _check_sources(db, NEW_SOURCES)
    if "held_name" not in {column.name for column in db.get_columns("sending_domains")}:
        db.execute_sql("""
            ALTER TABLE sending_domains
                ADD COLUMN held_name VARCHAR(253)
                    GENERATED ALWAYS AS (IF(verified_at IS NULL, NULL, name)) STORED UNIQUE
                    AFTER verified_at""")
    indexes = {index.name for index in db.get_indexes("sending_domains")}
    if NAMES not in indexes:
        db.execute_sql(f"ALTER TABLE sending_domains ADD UNIQUE KEY {NAMES} (name, team_id)")
    if "name" in indexes:
        db.execute_sql("ALTER TABLE sending_domains DROP KEY name")
    db.execute_sql("ALTER TABLE sender_identities MODIFY COLUMN domain_id INT UNSIGNED NULL")


def down(migrator, db):
    """Takes it back. Fails where two teams registered one name, or a domain of a sender was removed."""
    db.execute_sql("ALTER TABLE sender_identities MODIFY COLUMN domain_id INT UNSIGNED NOT NULL")
    db.execute_sql(f"ALTER TABLE sending_domains ADD UNIQUE KEY name (name), DROP KEY {NAMES}")
    db.execute_sql("ALTER TABLE sending_domains DROP COLUMN held_name")
    db.execute_sql("""
        DELETE sends FROM sends JOIN emails ON emails.id = contact_id
         WHERE broadcast_id = 0 AND source = 'notice'""")
    db.execute_sql("DELETE FROM emails WHERE source = 'notice'")
    _check_sources(db, OLD_SOURCES)
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {name}")


def _check_sources(db, sources):
    """Writes the check of `emails` anew: MySQL and MariaDB each name it their own way."""
    names = db.execute_sql("""
        SELECT constraint_name FROM information_schema.table_constraints
         WHERE table_schema = DATABASE() AND table_name = 'emails' AND constraint_type = 'CHECK'""")
    for (name,) in names.fetchall():
        db.execute_sql(f"ALTER TABLE emails DROP CONSTRAINT `{name}`")
    db.execute_sql(f"ALTER TABLE emails ADD CHECK (source IN ({', '.join(map(repr, sources))}))")
