"""What an import does with whom it meets, how fast it is, its errors as a file; exports."""

COLUMNS = {
    "on_conflict": "VARCHAR(8) NOT NULL DEFAULT 'update' AFTER mapping",
    "tags": "JSON NULL AFTER on_conflict",
    "status": "VARCHAR(16) NOT NULL DEFAULT 'subscribed' AFTER tags",
    "consent": "VARCHAR(1000) NOT NULL DEFAULT '' AFTER status",
    "rows_skipped": "INT UNSIGNED NOT NULL DEFAULT 0 AFTER rows_duplicate",
    "rows_per_second": "INT UNSIGNED NULL AFTER rows_skipped",
    "errors_key": "VARCHAR(255) NOT NULL DEFAULT '' AFTER errors",
}
OLD_STATES = ("uploaded", "running", "finished", "failed")
STATES = (*OLD_STATES, "cancelled")
OTHER_CHECK = "rows_created + rows_updated + rows_invalid <= rows_done"
EXPORTS = """
    CREATE TABLE IF NOT EXISTS contact_exports (
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        audience_id INT UNSIGNED NOT NULL,
        format VARCHAR(8) NOT NULL,
        filter JSON NOT NULL,
        state VARCHAR(16) NOT NULL,
        rows_done INT UNSIGNED NOT NULL DEFAULT 0,
        bytes_total BIGINT UNSIGNED NOT NULL DEFAULT 0,
        storage_key VARCHAR(255) NOT NULL DEFAULT '',
        reason VARCHAR(255) NOT NULL DEFAULT '',
        attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
        claim BINARY(16) NULL,
        lease_until DATETIME(3) NULL,
        created_at DATETIME(3) NOT NULL,
        finished_at DATETIME(3) NULL,
        FOREIGN KEY (team_id) REFERENCES teams (id),
        FOREIGN KEY (audience_id) REFERENCES audiences (id),
        CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled'))
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"""


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    present = {column.name for column in db.get_columns("contact_imports")}
    for name, definition in COLUMNS.items():
        if name not in present:
            db.execute_sql(f"ALTER TABLE contact_imports ADD COLUMN {name} {definition}")
    _check_states(db, STATES)
    db.execute_sql(EXPORTS)


def down(migrator, db):
    """Takes it back; a cancelled import has failed."""
    db.execute_sql("UPDATE contact_imports SET state = 'failed' WHERE state = 'cancelled'")
    _check_states(db, OLD_STATES)
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE contact_imports DROP COLUMN {name}")
    db.execute_sql("DROP TABLE contact_exports")


def _check_states(db, states):
    """Writes the table's checks anew: MySQL and MariaDB each name them their own way."""
    names = db.execute_sql("""
        SELECT constraint_name FROM information_schema.table_constraints
         WHERE table_schema = DATABASE() AND table_name = 'contact_imports' AND constraint_type = 'CHECK'""")
    # MariaDB's JSON columns have checks of their own, named as the column.
    columns = {column.name for column in db.get_columns("contact_imports")}
    drops = [f"DROP CONSTRAINT `{name}`" for (name,) in names.fetchall() if name not in columns]
    if drops:
        db.execute_sql(f"ALTER TABLE contact_imports {', '.join(drops)}")
    listed = ", ".join(map(repr, states))
    db.execute_sql(f"ALTER TABLE contact_imports ADD CHECK (state IN ({listed})), ADD CHECK ({OTHER_CHECK})")
