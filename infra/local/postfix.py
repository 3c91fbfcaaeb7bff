"""Postfix from Debian, alone: an instance below a folder of its own, at an address of its own.

No system service is touched: configuration, queue and log are below `home`. Postfix starts as root only, by
sudo where need be. It may have OpenDKIM beside it, a milter that signs or verifies.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from string import Template

from infra.local.daemon import Daemon, log_tail
from infra.local.errors import LocalError
from infra.local.install import Say, as_root, install_debian_packages
from infra.local.ports import free_ports, must_listen
from infra.local.tools import search_path

DEBIAN_PACKAGES = {"postfix": "postfix", "opendkim": "opendkim"}
# Debian's package would otherwise set up a server for the whole machine.
NO_SYSTEM_SERVICE = "postfix postfix/main_mailer_type select No configuration\n"

MAIN = Template("""\
compatibility_level = 3.6
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = $home/queue
data_directory = $home/data
maillog_file = $home/log/mail.log
maillog_file_prefixes = $home
alias_maps =
local_recipient_maps =
smtp_dns_support_level = disabled
smtp_tls_session_cache_database = btree:$${data_directory}/smtp_scache
milter_default_action = tempfail
""")

MASTER = Template("""\
$address:$port inet n - n - - smtpd
cleanup    unix n - n - 0 cleanup
qmgr       unix n - n 300 1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
tlsproxy   unix - - n - 0 tlsproxy
rewrite    unix - - n - - trivial-rewrite
bounce     unix - - n - 0 bounce
defer      unix - - n - 0 bounce
trace      unix - - n - 0 bounce
proxymap   unix - - n - - proxymap
smtp       unix - - n - - smtp
virtual    unix - n n - - virtual
error      unix - - n - - error
retry      unix - - n - - error
anvil      unix - - n - 1 anvil
scache     unix - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
""")

OPENDKIM = Template("""\
Socket inet:$port@127.0.0.1
RequireSafeKeys no
Syslog no
""")


def install(say: Say) -> None:
    """Postfix and OpenDKIM by apt, where they are missing. Raises LocalError."""
    if not shutil.which("postfix", path=search_path()) and shutil.which("debconf-set-selections"):
        root = as_root("apt-get install " + " ".join(DEBIAN_PACKAGES.values()))
        subprocess.run((*root, "debconf-set-selections"), input=NO_SYSTEM_SERVICE, text=True, check=True)
    install_debian_packages(say, DEBIAN_PACKAGES)


class Postfix:
    """One instance, a context manager.

    `main` and `master` are lines added to main.cf and master.cf; of two alike the later one counts. Postfix's
    own user must be able to pass through the folders above `home`.
    """

    def __init__(
        self, home: Path, port: int, main: str, *, address: str = "127.0.0.1", master: str = ""
    ) -> None:
        self._home, self._folder = home, home / "postfix"
        self._queue, self._data = home / "queue", home / "data"
        where = {"home": home, "port": port, "address": address}
        self._main, self._master = MAIN.substitute(where) + main, MASTER.substitute(where) + master

    def __enter__(self) -> "Postfix":
        # Postfix's own users read their queue below it, and nothing else.
        self._home.chmod(0o711)
        for needed in (self._folder, self._queue, self._home / "log"):
            needed.mkdir(exist_ok=True)
        (self._folder / "master.cf").write_text(self._master)
        self._configure()
        self._command("start")
        return self

    def __exit__(self, *_: object) -> None:
        """What is in the queue goes with it: it is root's, and whoever made `home` could not remove it."""
        self._command("stop")
        subprocess.run((*as_root("rm"), "rm", "-rf", self._queue, self._data), check=True)

    def reload(self, more: str) -> None:
        """From now on with `more` at the end of main.cf."""
        self._configure(more)
        self._command("reload")

    def pid(self) -> int:
        """Of the first process, which starts all others."""
        return int((self._queue / "pid" / "master.pid").read_text())

    def _configure(self, more: str = "") -> None:
        (self._folder / "main.cf").write_text(self._main + more)

    def _command(self, word: str) -> None:
        root = as_root(f"postfix -c {self._folder} {word}")
        done = subprocess.run(
            (*root, "postfix", "-c", str(self._folder), word),
            env={**os.environ, "PATH": search_path()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            log = "".join(log_tail(self._home / "log" / "mail.log", 15))
            raise LocalError(f"`postfix {word}` failed: {done.stdout}{log}")


class OpenDkim:
    """OpenDKIM with settings as in opendkim.conf(5), a context manager. Postfix finds it at `milter`."""

    def __init__(self, home: Path, settings: str) -> None:
        self._home, self._settings = home, settings
        self._port = free_ports(("milter",))["milter"]
        self._daemon = Daemon("opendkim", home)
        self.milter = f"inet:127.0.0.1:{self._port}"

    def __enter__(self) -> "OpenDkim":
        file = self._home / "opendkim.conf"
        file.write_text(OPENDKIM.substitute(port=self._port) + self._settings)
        command: Sequence[str] = ("opendkim", "-f", "-x", str(file))
        self._daemon.start(command, {"PATH": search_path()}, self._home)
        self._daemon.wait_until(lambda: must_listen(self._port), timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()

    def pid(self) -> int | None:
        """None where it has ended."""
        return self._daemon.pid()
