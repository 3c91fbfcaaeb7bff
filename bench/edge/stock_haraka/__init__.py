"""Stock Haraka 3.3.4, alone: its own queue and delivery, in the configuration that `haraka -i` makes.

Added are a plugin that lets the source relay and names the sink as every domain's MX (to_sink.js), and, where
the mode asks for it, Haraka's own plugins for DKIM, STARTTLS and AUTH.
"""

import json
import shutil
from pathlib import Path

from bench.edge.letter import DOMAIN
from bench.edge.mode import SELECTOR, Mode
from bench.edge.world import ADDRESSES
from infra.local.daemon import Daemon
from infra.local.install import HARAKA
from infra.local.ports import free_ports, must_listen
from infra.local.secrets import Certificate
from infra.local.tools import search_path

NAME = "haraka"
PROGRAM = HARAKA / "node_modules" / "Haraka" / "bin" / "haraka"
PLUGIN = Path(__file__).with_name("to_sink.js")
LOGIN = ("source", "aPasswordOfThisComparison")


class StockHaraka:
    """One instance that relays to the sink; a context manager. With `auth`, it offers STARTTLS and AUTH."""

    def __init__(self, home: Path, mode: Mode, sink_port: int, key: Path, auth: bool = False) -> None:
        self.port = free_ports(("smtp",))["smtp"]
        self._home, self._mode, self._sink_port, self._key, self._auth = home, mode, sink_port, key, auth
        self._daemon = Daemon(NAME, home)

    def __enter__(self) -> "StockHaraka":
        folder = self._home / NAME
        env = {"PATH": search_path(), "NODE_PATH": str(HARAKA / "node_modules")}
        self._daemon.run_first((str(PROGRAM), "-i", str(folder)), env, self._home)
        self._configure(folder)
        self._daemon.start((str(PROGRAM), "-c", str(folder)), env, self._home)
        self._daemon.wait_until(lambda: must_listen(self.port), timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()

    def roots(self) -> dict[str, int]:
        """Process ids by name."""
        pid = self._daemon.pid()
        return {NAME: pid} if pid else {}

    def _configure(self, folder: Path) -> None:
        plugins = ["to_sink"]
        config = folder / "config"
        shutil.copy(PLUGIN, folder / "plugins")
        (config / "smtp.ini").write_text(f"listen=127.0.0.1:{self.port}\n")
        # Quiet, in its favour: by default it writes nine lines a mail.
        (config / "log.ini").write_text("[main]\nlevel=warn\n")
        (config / "to_sink.json").write_text(json.dumps({"port": self._sink_port, "addresses": ADDRESSES}))
        if self._auth:
            certificate = Certificate.below(self._home)
            certificate.make_if_missing()
            (config / "tls.ini").write_text(f"key={certificate.key}\ncert={certificate.certificate}\n")
            (config / "auth_flat_file.ini").write_text(
                f"[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\n{LOGIN[0]}={LOGIN[1]}\n"
            )
            plugins = ["tls", "auth/flat_file", *plugins]
        if self._mode.signed:
            key = config / "dkim" / DOMAIN
            key.mkdir(parents=True)
            shutil.copy(self._key, key / "private")
            (key / "selector").write_text(SELECTOR)
            (config / "dkim.ini").write_text(
                f"[sign]\nenabled=true\nselector={SELECTOR}\n[verify]\nenabled=false\n"
            )
            plugins.append("dkim")
        (config / "plugins").write_text("\n".join(plugins) + "\n")
