"""Webhooks to apps: where teams want to be told, what is to be told there, and what came of each attempt."""

TABLES = {
    "webhook_endpoints": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        url VARCHAR(2000) NOT NULL,
        description VARCHAR(255) NOT NULL DEFAULT '',
        events JSON NOT NULL,
        stream VARCHAR(16) NULL,
        secret TEXT NOT NULL,
        previous_secret TEXT NULL,
        previous_until DATETIME(3) NULL,
        disabled_at DATETIME(3) NULL,
        disabled_reason VARCHAR(255) NOT NULL DEFAULT '',
        failing_since DATETIME(3) NULL,
        failures INT UNSIGNED NOT NULL DEFAULT 0,
        is_slow TINYINT(1) NOT NULL DEFAULT 0,
        due_at DATETIME(3) NULL,
        rests_until DATETIME(3) NULL,
        claim BINARY(16) NULL,
        lease_until DATETIME(3) NULL,
        removed_at DATETIME(3) NULL,
        created_at DATETIME(3) NOT NULL,
        updated_at DATETIME(3) NOT NULL,
        KEY (due_at),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (stream IN ('broadcast', 'transactional'))""",
    "webhook_deliveries": """
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        endpoint_id INT UNSIGNED NOT NULL,
        event_id BINARY(16) NOT NULL,
        type VARCHAR(32) NOT NULL,
        about BINARY(16) NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        body MEDIUMTEXT NOT NULL,
        state VARCHAR(16) NOT NULL,
        attempts INT UNSIGNED NOT NULL DEFAULT 0,
        due_at DATETIME(3) NOT NULL,
        give_up_at DATETIME(3) NOT NULL,
        settled_at DATETIME(3) NULL,
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (endpoint_id, event_id),
        KEY (endpoint_id),
        KEY (endpoint_id, state, due_at),
        KEY (endpoint_id, about, state),
        KEY (endpoint_id, occurred_at),
        KEY (created_at),
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id),
        CHECK (state IN ('waiting', 'delivered', 'failed'))""",
    "webhook_attempts": """
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        endpoint_id INT UNSIGNED NOT NULL,
        delivery_id BIGINT UNSIGNED NOT NULL,
        url VARCHAR(2000) NOT NULL,
        status SMALLINT UNSIGNED NOT NULL,
        error VARCHAR(255) NOT NULL DEFAULT '',
        reply TEXT NOT NULL,
        duration_ms INT UNSIGNED NOT NULL,
        attempted_at DATETIME(3) NOT NULL,
        KEY (delivery_id),
        KEY (attempted_at),
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id)""",
}


def up(migrator, db):
    """Makes what is missing."""
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )


def down(migrator, db):
    """Drops them, what refers to others first."""
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {name}")
