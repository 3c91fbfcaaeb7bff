"""Layouts and templates with their versions, pictures, and which version a broadcast's mail was made from."""

OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
TABLES = {
    "layouts": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        name VARCHAR(120) NOT NULL,
        version INT UNSIGNED NOT NULL,
        created_at DATETIME(3) NOT NULL,
        updated_at DATETIME(3) NOT NULL,
        deleted_at DATETIME(3) NULL,
        KEY (team_id, id),
        FOREIGN KEY (team_id) REFERENCES teams (id)""",
    "layout_versions": """
        layout_id INT UNSIGNED NOT NULL,
        number INT UNSIGNED NOT NULL,
        kind VARCHAR(8) NOT NULL,
        body MEDIUMTEXT NOT NULL,
        restored_from INT UNSIGNED NULL,
        created_at DATETIME(3) NOT NULL,
        PRIMARY KEY (layout_id, number),
        FOREIGN KEY (layout_id) REFERENCES layouts (id),
        CHECK (kind IN ('mjml', 'html'))""",
    "templates": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        name VARCHAR(120) NOT NULL,
        version INT UNSIGNED NOT NULL,
        created_at DATETIME(3) NOT NULL,
        updated_at DATETIME(3) NOT NULL,
        deleted_at DATETIME(3) NULL,
        KEY (team_id, id),
        FOREIGN KEY (team_id) REFERENCES teams (id)""",
    "template_versions": """
        template_id INT UNSIGNED NOT NULL,
        number INT UNSIGNED NOT NULL,
        layout_id INT UNSIGNED NULL,
        kind VARCHAR(8) NOT NULL,
        subject VARCHAR(998) NOT NULL,
        preheader VARCHAR(998) NOT NULL,
        body MEDIUMTEXT NOT NULL,
        text MEDIUMTEXT NULL,
        restored_from INT UNSIGNED NULL,
        created_at DATETIME(3) NOT NULL,
        PRIMARY KEY (template_id, number),
        FOREIGN KEY (template_id) REFERENCES templates (id),
        FOREIGN KEY (layout_id) REFERENCES layouts (id),
        CHECK (kind IN ('mjml', 'html'))""",
    "media": """
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
        team_id INT UNSIGNED NOT NULL,
        name VARCHAR(120) NOT NULL,
        `key` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
        state VARCHAR(8) NOT NULL,
        bytes INT UNSIGNED NOT NULL,
        kind VARCHAR(8) NOT NULL DEFAULT '',
        width INT UNSIGNED NOT NULL DEFAULT 0,
        height INT UNSIGNED NOT NULL DEFAULT 0,
        renditions JSON NOT NULL,
        created_at DATETIME(3) NOT NULL,
        KEY (team_id, id),
        FOREIGN KEY (team_id) REFERENCES teams (id),
        CHECK (state IN ('awaited', 'ready'))""",
}
COLUMNS = ("template_id", "template_version")


def up(migrator, db):
    """Makes what is missing; DDL commits by itself, so a second try goes on where one stopped."""
    for name, columns in TABLES.items():
        db.execute_sql(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {OPTIONS}")
    there = {column.name for column in db.get_columns("contents")}
    for name in COLUMNS:
        if name not in there:
            db.execute_sql(f"ALTER TABLE contents ADD COLUMN {name} INT UNSIGNED NULL")


def down(migrator, db):
    """Drops it."""
    for name in COLUMNS:
        db.execute_sql(f"ALTER TABLE contents DROP COLUMN {name}")
    for name in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {name}")
