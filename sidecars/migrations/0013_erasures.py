"""Whom a team must never write to again, without saying who that is."""


def up(migrator, db):
    """Makes it."""
    db.execute_sql("""
        CREATE TABLE IF NOT EXISTS erased_addresses (
            team_id INT UNSIGNED NOT NULL,
            digest BINARY(32) NOT NULL,
            erased_at DATETIME(3) NOT NULL,
            PRIMARY KEY (team_id, digest),
            FOREIGN KEY (team_id) REFERENCES teams (id)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""")


def down(migrator, db):
    """Drops it."""
    db.execute_sql("DROP TABLE erased_addresses")
