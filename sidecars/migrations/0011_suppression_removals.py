"""Suppressions that were taken back: what they said, who took them back and why."""


def up(migrator, db):
    """Makes it."""
    db.execute_sql("""
        CREATE TABLE IF NOT EXISTS suppression_removals (
            id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
            team_id INT UNSIGNED NOT NULL,
            email VARCHAR(254) COLLATE utf8mb4_bin NOT NULL,
            stream VARCHAR(16) NOT NULL,
            reason VARCHAR(16) NOT NULL,
            detail VARCHAR(1000) NOT NULL,
            event_id VARCHAR(36) NOT NULL,
            suppressed_at DATETIME(3) NOT NULL,
            removed_at DATETIME(3) NOT NULL,
            removed_by VARCHAR(64) NOT NULL,
            because VARCHAR(1000) NOT NULL,
            KEY (team_id, email),
            FOREIGN KEY (team_id) REFERENCES teams (id)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""")


def down(migrator, db):
    """Drops it."""
    db.execute_sql("DROP TABLE suppression_removals")
