"""People who log in: verified addresses, sessions, second factors, invitations; keys that end; the audit log.

Secrets that we made ourselves (of sessions, of mailed links, recovery codes) are kept as SHA-256 alone.
"""

COLUMNS = {
    "users": {
        "email_verified_at": "DATETIME(3) NULL AFTER password_hash",
        "totp_secret": "VARCHAR(255) NULL AFTER email_verified_at",
        "totp_confirmed_at": "DATETIME(3) NULL AFTER totp_secret",
        "totp_last_step": "BIGINT NOT NULL DEFAULT 0 AFTER totp_confirmed_at",
    },
    "api_keys": {"expires_at": "DATETIME(3) NULL AFTER last_used_at"},
}
TABLES = {
    "sessions": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        user_id INT UNSIGNED NOT NULL,
        sha256 BINARY(32) NOT NULL,
        user_agent VARCHAR(255) NOT NULL,
        ip VARCHAR(45) NOT NULL,
        created_at DATETIME(3) NOT NULL,
        last_seen_at DATETIME(3) NOT NULL,
        expires_at DATETIME(3) NOT NULL,
        UNIQUE KEY (sha256),
        KEY (expires_at),
        FOREIGN KEY (user_id) REFERENCES users (id)""",
    "recovery_codes": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        user_id INT UNSIGNED NOT NULL,
        sha256 BINARY(32) NOT NULL,
        UNIQUE KEY (user_id, sha256),
        FOREIGN KEY (user_id) REFERENCES users (id)""",
    "passkeys": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        user_id INT UNSIGNED NOT NULL,
        name VARCHAR(120) NOT NULL,
        credential_sha256 BINARY(32) NOT NULL,
        credential_id VARCHAR(1400) NOT NULL,
        public_key TEXT NOT NULL,
        sign_count BIGINT NOT NULL,
        created_at DATETIME(3) NOT NULL,
        last_used_at DATETIME(3) NULL,
        UNIQUE KEY (credential_sha256),
        FOREIGN KEY (user_id) REFERENCES users (id)""",
    "identities": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        user_id INT UNSIGNED NOT NULL,
        sha256 BINARY(32) NOT NULL,
        issuer VARCHAR(255) NOT NULL,
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (sha256),
        FOREIGN KEY (user_id) REFERENCES users (id)""",
    "invitations": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        email VARCHAR(254) NOT NULL,
        role VARCHAR(16) NOT NULL,
        invited_by_id INT UNSIGNED NOT NULL,
        created_at DATETIME(3) NOT NULL,
        expires_at DATETIME(3) NOT NULL,
        ended_at DATETIME(3) NULL,
        state VARCHAR(16) NOT NULL,
        KEY (team_id, id),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        FOREIGN KEY (invited_by_id) REFERENCES users (id),
        CHECK (role IN ('ADMINISTRATOR', 'MANAGER', 'AUTHOR', 'GUEST')),
        CHECK (state IN ('open', 'accepted', 'revoked'))""",
    "account_mails": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        kind VARCHAR(32) NOT NULL,
        address VARCHAR(254) NOT NULL,
        user_id INT UNSIGNED NULL,
        invitation_id INT UNSIGNED NULL,
        message_id BINARY(16) NOT NULL,
        state VARCHAR(16) NOT NULL,
        reason VARCHAR(255) NOT NULL DEFAULT '',
        created_at DATETIME(3) NOT NULL,
        UNIQUE KEY (message_id),
        KEY (state),
        FOREIGN KEY (user_id) REFERENCES users (id),
        FOREIGN KEY (invitation_id) REFERENCES invitations (id),
        CHECK (state IN ('waiting', 'mailed', 'unmailed'))""",
    "mailed_tokens": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        sha256 BINARY(32) NOT NULL,
        mail_id INT UNSIGNED NOT NULL,
        expires_at DATETIME(3) NOT NULL,
        UNIQUE KEY (sha256),
        KEY (expires_at),
        FOREIGN KEY (mail_id) REFERENCES account_mails (id)""",
    "audit_log": """
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        at DATETIME(3) NOT NULL,
        team_id INT UNSIGNED NULL,
        user_id INT UNSIGNED NULL,
        api_key_id INT UNSIGNED NULL,
        action VARCHAR(64) NOT NULL,
        object VARCHAR(64) NOT NULL,
        request_id VARCHAR(64) NOT NULL,
        ip VARCHAR(45) NOT NULL,
        KEY (team_id, id),
        KEY (user_id, id)""",
}


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table, columns in COLUMNS.items():
        there = {column.name for column in db.get_columns(table)}
        for name, kind in columns.items():
            if name not in there:
                db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )


def down(migrator, db):
    """Drops it, the other way round."""
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {name}")
    for table, columns in COLUMNS.items():
        for name in reversed(columns):
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
