"""Postfix from Debian, alone: an instance below a folder of its own, on ports of its own.

No system service is touched: its configuration, queue and log are below `home`. It needs root, as Postfix
does. Tuned as its TUNING_README advises: more processes, no pause at the way in, connections reused under TLS
too. It signs by OpenDKIM, a milter beside it, which Debian has too.
"""

import os
import shutil
import subprocess
from pathlib import Path
from string import Template

from bench.edge.letter import DOMAIN
from bench.edge.listening import must_listen
from bench.edge.mode import SELECTOR, Mode
from bench.edge.world import ADDRESSES
from infra.local.daemon import Daemon
from infra.local.errors import LocalError
from infra.local.install import Say, install_debian_packages
from infra.local.ports import free_ports
from infra.local.tools import search_path

NAME = "postfix"
PROGRAMS = Path("/usr/lib/postfix/sbin")
DEBIAN_PACKAGES = {"postfix": "postfix", "opendkim": "opendkim"}
# Debian's package would otherwise set up and start a server for the whole machine.
NO_SYSTEM_SERVICE = "postfix postfix/main_mailer_type select No configuration\n"

MAIN = Template("""\
compatibility_level = 3.6
myhostname = postfix.example
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
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
transport_maps = texthash:$home/transport
smtp_dns_support_level = disabled
smtp_tls_security_level = $tls
smtp_tls_connection_reuse = yes
smtp_tls_session_cache_database = btree:$${data_directory}/smtp_scache
default_process_limit = 200
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
in_flow_delay = 0
milter_default_action = tempfail
smtpd_milters = $milter
""")

MASTER = Template("""\
127.0.0.1:$port inet n - n - - smtpd
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
error      unix - - n - - error
retry      unix - - n - - error
anvil      unix - - n - 1 anvil
scache     unix - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
""")

OPENDKIM = Template("""\
Socket inet:$milter_port@127.0.0.1
Mode s
Domain $domain
Selector $selector
KeyFile $key
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
RequireSafeKeys no
Syslog no
""")


def install(say: Say) -> None:
    """Postfix and OpenDKIM by apt, where they are missing. Raises LocalError."""
    if os.geteuid() != 0:
        raise LocalError(
            "Postfix starts as root only. As root, or without it: ./kiba bench --systems haraka,kibamail"
        )
    if not shutil.which("postfix", path=search_path()) and shutil.which("debconf-set-selections"):
        subprocess.run(("debconf-set-selections",), input=NO_SYSTEM_SERVICE, text=True, check=True)
    install_debian_packages(say, DEBIAN_PACKAGES)


class Postfix:
    """One instance that relays to the sink; a context manager."""

    def __init__(self, home: Path, mode: Mode, sink_port: int, key: Path) -> None:
        ports = free_ports(("smtp", "milter"))
        self.port, self._milter_port = ports["smtp"], ports["milter"]
        self._home, self._mode, self._sink_port, self._key = home, mode, sink_port, key
        self._daemons = {NAME: Daemon(NAME, home)}
        if mode.signed:
            self._daemons["opendkim"] = Daemon("opendkim", home)

    def __enter__(self) -> "Postfix":
        self._configure()
        env = {"PATH": search_path()}
        if self._mode.signed:
            opendkim = self._daemons["opendkim"]
            opendkim.start(("opendkim", "-f", "-x", str(self._home / "opendkim.conf")), env, self._home)
            opendkim.wait_until(lambda: must_listen(self._milter_port), timeout=10)
        master = self._daemons[NAME]
        configuration = str(self._home / "postfix")
        master.run_first(("postfix", "-c", configuration, "check"), env, self._home)
        master.start((str(PROGRAMS / "master"), "-c", configuration, "-s"), env, self._home)
        master.wait_until(lambda: must_listen(self.port), timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self._daemons.values()):
            daemon.stop()

    def roots(self) -> dict[str, int]:
        """Process ids by name; each started all others of that name."""
        return {name: pid for name, daemon in self._daemons.items() if (pid := daemon.pid())}

    def _configure(self) -> None:
        # Postfix's own users read their queue below it, and nothing else.
        self._home.chmod(0o711)
        folder = self._home / "postfix"
        for needed in (folder, self._home / "queue", self._home / "data", self._home / "log"):
            needed.mkdir(exist_ok=True)
        shutil.chown(self._home / "data", "postfix")
        milter = f"inet:127.0.0.1:{self._milter_port}" if self._mode.signed else ""
        tls = "may" if self._mode.tls else "none"
        (folder / "main.cf").write_text(MAIN.substitute(home=self._home, tls=tls, milter=milter))
        (folder / "master.cf").write_text(MASTER.substitute(port=self.port))
        routes = (f"{domain} smtp:[{address}]:{self._sink_port}" for domain, address in ADDRESSES.items())
        (self._home / "transport").write_text("\n".join(routes) + "\n")
        (self._home / "opendkim.conf").write_text(
            OPENDKIM.substitute(
                milter_port=self._milter_port, domain=DOMAIN, selector=SELECTOR, key=self._key
            )
        )
