"""Which mails one submission made: a DSN to the return path that they share names only its recipient."""


def up(migrator, db):
    """Adds the column with its key; DDL commits by itself, so a second try goes on where one stopped."""
    if "submission" not in {column.name for column in db.get_columns("emails")}:
        db.execute_sql(
            "ALTER TABLE emails ADD COLUMN submission VARCHAR(64) NULL AFTER message_id, ADD KEY (submission)"
        )


def down(migrator, db):
    """Drops it, and its key with it."""
    db.execute_sql("ALTER TABLE emails DROP COLUMN submission")
