"""Usage and plans: the credits that a team took in each month, and how much of what it may have."""

TABLES = {
    "plans": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(64) NOT NULL,
        credits BIGINT UNSIGNED NULL,
        contacts INT UNSIGNED NULL,
        domains INT UNSIGNED NULL,
        members INT UNSIGNED NULL,
        api_keys INT UNSIGNED NULL,
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (name)""",
    # Signed: what is given back may come a moment before what it belongs to is counted.
    "usage_months": """
        team_id INT UNSIGNED NOT NULL,
        month DATE NOT NULL,
        broadcast BIGINT NOT NULL DEFAULT 0,
        transactional BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (team_id, month),
        KEY (month),
        FOREIGN KEY (team_id) REFERENCES teams (id)""",
}
COLUMNS = {
    "teams": {"plan_id": "INT UNSIGNED NULL"},
    "broadcasts": {"reserved": "BIGINT UNSIGNED NULL"},
}
FOREIGN_KEY = "teams_plan"
# What the ledger in MySQL has; states 6 to 8 are those of which no mail went out.
SENT_BEFORE = (
    """INSERT INTO usage_months (team_id, month, broadcast)
       SELECT b.team_id, DATE_FORMAT(COALESCE(b.published_at, b.created_at), '%%Y-%%m-01'), COUNT(*)
         FROM sends s JOIN broadcasts b ON b.id = s.broadcast_id
        WHERE s.state NOT IN (6, 7, 8) GROUP BY 1, 2""",
    """INSERT INTO usage_months (team_id, month, broadcast, transactional)
       SELECT e.team_id, DATE_FORMAT(e.created_at, '%%Y-%%m-01'), SUM(e.stream = 'broadcast'),
              SUM(e.stream <> 'broadcast')
         FROM sends s JOIN emails e ON e.id = s.contact_id
        WHERE s.broadcast_id = 0 AND s.state NOT IN (6, 7, 8) AND e.source IN ('api', 'smtp', 'test')
        GROUP BY 1, 2
       ON DUPLICATE KEY UPDATE broadcast = usage_months.broadcast + VALUES(broadcast),
                               transactional = VALUES(transactional)""",
)


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )
    for table, columns in COLUMNS.items():
        there = {column.name for column in db.get_columns(table)}
        for name, definition in columns.items():
            if name not in there:
                db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")
    if "plan_id" not in {key.column for key in db.get_foreign_keys("teams")}:
        db.execute_sql(
            f"ALTER TABLE teams ADD CONSTRAINT {FOREIGN_KEY} FOREIGN KEY (plan_id) REFERENCES plans (id)"
        )
    db.execute_sql("DELETE FROM usage_months")
    for statement in SENT_BEFORE:
        db.execute_sql(statement)


def down(migrator, db):
    """Drops them, what refers to others first."""
    db.execute_sql(f"ALTER TABLE teams DROP FOREIGN KEY {FOREIGN_KEY}")
    for table, columns in COLUMNS.items():
        for name in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {name}")
