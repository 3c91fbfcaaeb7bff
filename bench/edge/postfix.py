"""Postfix that relays to the sink, tuned as its TUNING_README advises.

That is more processes, no pause at the way in, connections reused under TLS too. It signs by OpenDKIM.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from string import Template

from bench.edge.letter import DOMAIN
from bench.edge.mode import SELECTOR, Mode
from bench.edge.world import ADDRESSES
from infra.local import postfix
from infra.local.errors import LocalError
from infra.local.install import Say
from infra.local.ports import free_ports
from infra.local.postfix import OpenDkim

NAME = "postfix"

MAIN = Template("""\
myhostname = postfix.example
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
transport_maps = texthash:$home/transport
smtp_tls_security_level = $tls
smtp_tls_connection_reuse = yes
default_process_limit = 200
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
in_flow_delay = 0
smtpd_milters = $milter
""")

SIGNS = f"""\
Mode s
Domain {DOMAIN}
Selector {SELECTOR}
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
"""


def install(say: Say) -> None:
    """Postfix and OpenDKIM by apt, where they are missing. Raises LocalError."""
    if os.geteuid() != 0:
        raise LocalError(
            "Only root can look at Postfix's processes. As root, or without it: "
            "./kiba bench --systems haraka,kibamail"
        )
    postfix.install(say)


class Postfix:
    """One instance that relays to the sink; a context manager."""

    def __init__(self, home: Path, mode: Mode, sink_port: int, key: Path) -> None:
        self.port = free_ports(("smtp",))["smtp"]
        self._home = home
        self._signer = OpenDkim(home, f"{SIGNS}KeyFile {key}\n") if mode.signed else None
        settings = {
            "home": home,
            "tls": "may" if mode.tls else "none",
            "milter": self._signer.milter if self._signer else "",
        }
        self._instance = postfix.Postfix(home, self.port, MAIN.substitute(settings))
        self._routes = (f"{domain} smtp:[{ip}]:{sink_port}\n" for domain, ip in ADDRESSES.items())
        self._running = ExitStack()

    def __enter__(self) -> "Postfix":
        (self._home / "transport").write_text("".join(self._routes))
        if self._signer:
            self._running.enter_context(self._signer)
        self._running.enter_context(self._instance)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def roots(self) -> dict[str, int]:
        """Process ids by name; each started all others of that name."""
        signer = self._signer.pid() if self._signer else None
        return {NAME: self._instance.pid()} | ({"opendkim": signer} if signer else {})
