"""The MySQL connection pool, the base of every model, and the migration runner.

UTC everywhere: sessions run at `+00:00`, columns are DATETIME(3) without a zone, and models hand out
datetimes that carry UTC. The schema's truth is `sidecars/migrations/`; models only describe it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from peewee import AutoField, DateTimeField, InterfaceError, Model, OperationalError
from playhouse.migrations import Runner
from playhouse.pool import PooledMySQLDatabase
from typing_extensions import override

from sidecars.settings import settings
from sidecars.telemetry import waiting_for

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# One statement, valid on MySQL 8 and MariaDB alike.
SESSION = (
    "SET time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)


# A row that a CHECK refused: MySQL's and MariaDB's numbers. Trying again will not help it.
CHECK_VIOLATED = {3819, 4025}


def is_away(error: BaseException) -> bool:
    """Whether the database did not answer, so that the same statement may succeed later."""
    if isinstance(error, OperationalError):
        return not error.args or error.args[0] not in CHECK_VIOLATED
    return isinstance(error, InterfaceError)


class _Pool(PooledMySQLDatabase):  # type: ignore[misc]
    """Tells when MySQL holds this process up."""

    @override
    def connect(self, reuse_if_open: bool = False) -> bool:
        with waiting_for("mysql", is_away):
            return bool(super().connect(reuse_if_open))

    @override
    def execute_sql(self, sql: str, params: Any = None) -> Any:
        with waiting_for("mysql", is_away):
            return super().execute_sql(sql, params)

    @override
    def commit(self) -> None:
        with waiting_for("mysql", is_away):
            super().commit()


def connect(url: str) -> PooledMySQLDatabase:
    """A pool for `mysql://user:password@host:port/name`; raises ValueError where the URL has no name."""
    parts = urlparse(url)
    name = parts.path.lstrip("/")
    if parts.scheme != "mysql" or not name:
        raise ValueError("DATABASE_URL must read mysql://user:password@host:port/name")
    return _Pool(
        name,
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        charset="utf8mb4",
        init_command=SESSION,
        connect_timeout=5,
        read_timeout=120,
        max_connections=32,
        stale_timeout=300,
        timeout=30,
        # peewee then sends JSON as text, which both servers take; MariaDB has no CAST(… AS JSON).
        mariadb=True,
    )


database = connect(settings.database_url)


class UtcDateTimeField(DateTimeField):
    """DATETIME(3) in UTC; Python sees and must give datetimes with a time zone."""

    def db_value(self, value: Any) -> Any:
        """Aware datetime → naive UTC, cut to milliseconds."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{self.name}: a datetime without a time zone")
            value = value.astimezone(UTC).replace(tzinfo=None)
        return super().db_value(value)

    def python_value(self, value: Any) -> Any:
        """Naive UTC → aware."""
        value = super().python_value(value)
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


class BaseModel(Model):
    """Every table of ours lives in `database`.

    For the type checker only: peewee adds `id` where a model has no key of its own, and `team_id`
    beside each foreign key `team`; models declare those that our code reads.
    """

    id: AutoField[int]

    class Meta:
        database = database
        legacy_table_names = False


def now() -> datetime:
    """This moment in UTC, to the millisecond that MySQL keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def migrate() -> list[str]:
    """Applies the pending migrations in order; returns their names (empty: nothing to do)."""
    with database.connection_context():
        applied: list[str] = Runner(database, str(MIGRATIONS)).up()
    return applied
