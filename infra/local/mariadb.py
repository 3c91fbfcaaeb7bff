"""MariaDB from apt, with a data folder of its own; the system's own server is never touched."""

import os
import pwd
import shutil
from collections.abc import Sequence

import pymysql
from typing_extensions import override

from infra.local.service import Service

DATABASE = "kibamail"

# Run at each start. `kibamail%` lets a test have a database of its own.
ACCOUNTS = """\
CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER IF NOT EXISTS '{database}'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON `{database}%`.* TO '{database}'@'127.0.0.1';
DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';
"""


class MariaDB(Service):
    """One MariaDB server with the database and account `kibamail`, UTC, utf8mb4."""

    name = "mariadb"
    port_names = ("mysql",)

    @override
    def command(self) -> Sequence[str]:
        data = self.folder / "data"
        if not data.exists():
            self._install()
        accounts = self.folder / "accounts.sql"
        accounts.touch(mode=0o600)
        accounts.write_text(ACCOUNTS.format(database=DATABASE, password=self.secrets["mysql_password"]))
        return (
            "mariadbd",
            "--no-defaults",
            f"--user={_user()}",
            f"--datadir={data}",
            # Relative to the data folder: a full path may pass the 107 bytes that a socket's path may have.
            "--socket=mysqld.sock",
            "--pid-file=mysqld.pid",
            "--bind-address=127.0.0.1",
            f"--port={self.ports['mysql']}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--default-time-zone=+00:00",
            "--innodb-buffer-pool-size=256M",
            "--max-connections=200",
            f"--init-file={accounts}",
        )

    @override
    def check(self) -> str:
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.ports["mysql"],
            user=DATABASE,
            password=self.secrets["mysql_password"],
            database=DATABASE,
            connect_timeout=2,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            row = cursor.fetchone()
            return str(row[0]) if row else ""

    def _install(self) -> None:
        """Into a draft folder that is renamed at the end, so that an interrupted one is made again."""
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        command = (
            "mariadb-install-db",
            "--no-defaults",
            f"--user={_user()}",
            f"--datadir={draft}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        self.daemon.run_first(command, self.environment(), self.folder)
        draft.rename(self.folder / "data")


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
