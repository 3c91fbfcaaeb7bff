"""Mail that apps submit by HTTP: what was asked for, the queue to the edges, tags, idempotency keys.

`emails` gets what its list is filtered by; its `state` is a copy of that in `sends`, which has no index.
"""

TABLES = {
    "submissions": """
        id BINARY(16) NOT NULL PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        stream VARCHAR(16) NOT NULL,
        sender VARCHAR(254) NOT NULL,
        send_at DATETIME(3) NULL,
        tags JSON NOT NULL,
        metadata JSON NOT NULL,
        content MEDIUMBLOB NULL,
        storage_key VARCHAR(255) NULL,
        created_at DATETIME(3) NOT NULL,
        KEY (created_at),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (stream IN ('broadcast', 'transactional'))""",
    "submission_queue": """
        submission_id BINARY(16) NOT NULL PRIMARY KEY,
        due_at DATETIME(3) NOT NULL,
        size INT UNSIGNED NOT NULL,
        claim BINARY(16) NULL,
        attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
        KEY (due_at)""",
    "email_tags": """
        team_id INT UNSIGNED NOT NULL,
        tag VARCHAR(100) COLLATE utf8mb4_bin NOT NULL,
        created_at DATETIME(3) NOT NULL,
        email_id BIGINT UNSIGNED NOT NULL,
        PRIMARY KEY (team_id, tag, created_at, email_id),
        KEY (email_id)""",
    "idempotency_keys": """
        team_id INT UNSIGNED NOT NULL,
        digest BINARY(32) NOT NULL,
        request BINARY(32) NOT NULL,
        answer MEDIUMBLOB NOT NULL,
        created_at DATETIME(3) NOT NULL,
        PRIMARY KEY (team_id, digest),
        KEY (created_at)""",
}
COLUMNS = {
    "kind": "VARCHAR(3) NOT NULL DEFAULT 'to'",
    "stream": "VARCHAR(16) NOT NULL DEFAULT 'transactional'",
    "state": "TINYINT UNSIGNED NOT NULL DEFAULT 1",
}
KEYS = {
    "by_state": "team_id, state, created_at",
    "by_recipient": "team_id, recipient, created_at",
    "by_stream": "team_id, stream, created_at",
}


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )
    there = {column.name for column in db.get_columns("emails")}
    keys = {index.name for index in db.get_indexes("emails")}
    missing = [f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items() if name not in there]
    missing += [f"ADD KEY {name} ({columns})" for name, columns in KEYS.items() if name not in keys]
    if missing:
        db.execute_sql(f"ALTER TABLE emails {', '.join(missing)}")
    db.execute_sql(
        "UPDATE emails e JOIN sends s ON s.broadcast_id = 0 AND s.contact_id = e.id SET e.state = s.state"
    )


def down(migrator, db):
    """Drops it all."""
    for name in TABLES:
        db.execute_sql(f"DROP TABLE IF EXISTS {name}")
    dropped = [f"DROP KEY {name}" for name in KEYS] + [f"DROP COLUMN {name}" for name in COLUMNS]
    db.execute_sql(f"ALTER TABLE emails {', '.join(dropped)}")
