"""Lists of contacts that stay fast, how each came to be on its list, double opt-in, and contacts merged."""

COLUMNS = {
    "audiences": {
        "double_opt_in": "TINYINT(1) NOT NULL DEFAULT 0",
        "confirmation_sender_id": "INT UNSIGNED NULL",
        "counted": "JSON NULL",
        "counted_at": "DATETIME(3) NULL",
    },
    "contacts": {"import_id": "INT UNSIGNED NULL"},
}
# Each ends with the contact's id, which is InnoDB's doing.
KEYS = {
    "contacts_in_order": "audience_id",
    "contacts_of_status": "audience_id, status",
    "contacts_by_creation": "audience_id, created_at",
    "contacts_by_change": "audience_id, updated_at",
    "contacts_by_first_name": "audience_id, first_name",
    "contacts_by_last_name": "audience_id, last_name",
}
SENDER = "audiences_confirmation_sender"
TABLES = {
    "subscription_changes": """
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        contact_id BIGINT UNSIGNED NOT NULL,
        status VARCHAR(16) NOT NULL,
        source VARCHAR(16) NOT NULL,
        changed_at DATETIME(3) NOT NULL,
        ip VARCHAR(45) NOT NULL DEFAULT '',
        user_agent VARCHAR(500) NOT NULL DEFAULT '',
        shown VARCHAR(1000) NOT NULL DEFAULT '',
        reference VARCHAR(64) NOT NULL DEFAULT '',
        FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
        CHECK (status IN ('subscribed', 'unsubscribed', 'pending'))""",
    "confirmations": """
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        contact_id BIGINT UNSIGNED NOT NULL,
        message_id BINARY(16) NOT NULL UNIQUE,
        state VARCHAR(16) NOT NULL,
        reason VARCHAR(255) NOT NULL DEFAULT '',
        created_at DATETIME(3) NOT NULL,
        expires_at DATETIME(3) NOT NULL,
        KEY (state, id),
        FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
        CHECK (state IN ('waiting', 'mailed', 'unmailed', 'confirmed'))""",
    "merged_contacts": """
        id BIGINT UNSIGNED PRIMARY KEY,
        contact_id BIGINT UNSIGNED NOT NULL,
        merged_at DATETIME(3) NOT NULL,
        FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE CASCADE""",
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for table, columns in COLUMNS.items():
        there = {column.name for column in db.get_columns(table)}
        added = [f"ADD COLUMN {name} {kind}" for name, kind in columns.items() if name not in there]
        if table == "contacts":
            known = {index.name for index in db.get_indexes("contacts")}
            added += [f"ADD KEY {name} ({of})" for name, of in KEYS.items() if name not in known]
        if added:  # in one statement, so that a large table is read once
            db.execute_sql(f"ALTER TABLE {table} {', '.join(added)}")
    if not _has_sender_key(db):
        db.execute_sql(
            f"ALTER TABLE audiences ADD CONSTRAINT {SENDER} FOREIGN KEY (confirmation_sender_id) "
            "REFERENCES sender_identities (id) ON DELETE SET NULL"
        )
    for name, columns in TABLES.items():
        db.execute_sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({columns}) "
            "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        )


def down(migrator, db):
    """Takes it back; who waited for a confirmation stays pending."""
    for name in TABLES:
        db.execute_sql(f"DROP TABLE {name}")
    db.execute_sql(f"ALTER TABLE audiences DROP FOREIGN KEY {SENDER}, DROP KEY {SENDER}")
    dropped = [f"DROP KEY {name}" for name in KEYS]
    for table, columns in COLUMNS.items():
        drops = [f"DROP COLUMN {name}" for name in columns]
        db.execute_sql(f"ALTER TABLE {table} {', '.join(drops + (dropped if table == 'contacts' else []))}")


def _has_sender_key(db):
    found = db.execute_sql(
        """SELECT 1 FROM information_schema.table_constraints
            WHERE table_schema = DATABASE() AND table_name = 'audiences' AND constraint_name = %s""",
        (SENDER,),
    )
    return found.fetchone() is not None
