"""What operators say of lanes: sources, policies, warm-up plans, controls; and what they did when."""

TABLES = {
    "sources": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        name VARCHAR(64) NOT NULL UNIQUE,
        address VARCHAR(45) NULL UNIQUE,
        helo VARCHAR(253) NULL,
        edge VARCHAR(64) NULL,
        pools JSON NOT NULL,
        team_id INT UNSIGNED NULL,
        state VARCHAR(8) NOT NULL,
        created_at DATETIME(3) NOT NULL,
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (state IN ('active', 'off'))""",
    "lane_policies": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        provider VARCHAR(253) NOT NULL UNIQUE,
        connections INT UNSIGNED NULL,
        mails_per_connection INT UNSIGNED NULL,
        per_minute INT UNSIGNED NULL,
        per_day INT UNSIGNED NULL,
        updated_at DATETIME(3) NOT NULL""",
    "lane_controls": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        source VARCHAR(64) NOT NULL,
        provider VARCHAR(253) NOT NULL,
        action VARCHAR(8) NOT NULL,
        reason VARCHAR(500) NOT NULL,
        placed_by VARCHAR(120) NOT NULL,
        placed_at DATETIME(3) NOT NULL,
        UNIQUE KEY (source, provider),
        CHECK (action IN ('pause', 'drain'))""",
    "warmups": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        source_id INT UNSIGNED NOT NULL,
        provider VARCHAR(253) NOT NULL,
        surplus VARCHAR(8) NOT NULL,
        days JSON NOT NULL,
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (source_id, provider),
        FOREIGN KEY (source_id) REFERENCES sources (id) ON DELETE CASCADE,
        CHECK (surplus IN ('wait', 'overflow'))""",
    "operator_actions": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        operator VARCHAR(120) NOT NULL,
        action VARCHAR(40) NOT NULL,
        target VARCHAR(400) NOT NULL,
        detail JSON NOT NULL,
        at DATETIME(3) NOT NULL""",
}


def up(migrator, db):
    """Creates the tables; DDL commits by itself, so a second try goes on where a broken one stopped."""
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )


def down(migrator, db):
    """Drops them, the other way round."""
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE IF EXISTS {name}")
