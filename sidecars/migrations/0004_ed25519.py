"""A second DKIM key of a domain, Ed25519 (RFC 8463), for domains that want one."""

COLUMNS = {
    "ed25519_selector": "VARCHAR(63) NULL AFTER dkim_public_key",
    "ed25519_private_key": "TEXT NULL AFTER ed25519_selector",
    "ed25519_public_key": "VARCHAR(44) NULL AFTER ed25519_private_key",
    "ed25519_verified_at": "DATETIME(3) NULL AFTER dkim_verified_at",
}


def up(migrator, db):
    """Adds what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    present = {column.name for column in db.get_columns("sending_domains")}
    for name, definition in COLUMNS.items():
        if name not in present:
            db.execute_sql(f"ALTER TABLE sending_domains ADD COLUMN {name} {definition}")


def down(migrator, db):
    """Drops them."""
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE sending_domains DROP COLUMN {name}")
