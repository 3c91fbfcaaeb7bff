"""All of Kibamail on one machine: five services, the process types, their environment.

Everything is below one folder, `home`, and on loopback. Whatever a call finds already running it
leaves alone, so each can be repeated after a run that stopped half-way.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.local import environment
from infra.local.clickhouse import ClickHouse
from infra.local.config import REPOSITORY, TOOLS, default_ports
from infra.local.errors import LocalError
from infra.local.kafka import Kafka
from infra.local.mariadb import MariaDB
from infra.local.ports import free_ports, load_ports, save_ports
from infra.local.processes import PORTS, Process
from infra.local.redis import Redis
from infra.local.s3 import S3
from infra.local.secrets import Certificate, kept_secrets
from infra.local.service import Service
from sidecars import names


class Stack:
    """Services and processes of one home folder."""

    def __init__(self, home: Path, ports: dict[str, int]) -> None:
        self.home = home
        self.ports = ports
        self.secrets = kept_secrets(home)
        self.kafka = Kafka(home, ports, self.secrets)
        self.services: tuple[Service, ...] = (
            self.kafka,
            ClickHouse(home, ports, self.secrets),
            MariaDB(home, ports, self.secrets),
            Redis(home, ports, self.secrets),
            S3(home, ports, self.secrets),
        )
        self.processes = {name: Process(name, home, ports) for name in PORTS}

    @classmethod
    def default(cls) -> "Stack":
        """The developer's own stack: `.kiba/stack`, on the ports of services.toml.

        While any of it runs, it keeps the ports that it was started on, whatever KIBA_PORT_OFFSET says.
        """
        home = TOOLS / "stack"
        home.mkdir(parents=True, exist_ok=True)
        file = home / "ports.json"
        started = cls(home, default_ports() | load_ports(file))
        return started if started.running() else cls(home, save_ports(file, default_ports()))

    @classmethod
    def ephemeral(cls, home: Path) -> "Stack":
        """A stack on free ports, which meets no other. The same `home` gives the same stack again."""
        home.mkdir(parents=True, exist_ok=True)
        file = home / "ports.json"
        kept = load_ports(file)
        missing = [name for name in default_ports() if name not in kept]
        return cls(home.resolve(), save_ports(file, kept | free_ports(missing)))

    def running(self) -> list[str]:
        """Names of the services and processes that run."""
        parts = [service.daemon for service in self.services]
        parts += [process.daemon for process in self.processes.values()]
        return [daemon.name for daemon in parts if daemon.pid() is not None]

    def url(self, port: str) -> str:
        """Base URL of whatever answers HTTP on the port of that name."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def own_env(self) -> dict[str, str]:
        """The variables that this stack sets."""
        return environment.build(self.home, self.ports, self.secrets)

    def env(self) -> dict[str, str]:
        """The whole environment for a process of this stack."""
        return {**os.environ, **self.own_env()}

    def start_services(self) -> None:
        """Starts Kafka, ClickHouse, MariaDB, Redis and S3 side by side; returns when each answers a query."""
        with ThreadPoolExecutor(len(self.services)) as pool:
            started = [pool.submit(service.start) for service in self.services]
        for start in started:
            start.result()

    def prepare(self) -> None:
        """Topics, database migrations, ClickHouse schema, TLS certificate. Repeatable."""
        Certificate.below(self.home).make_if_missing()
        self.kafka.create_topics(names.ALL_TOPICS)
        done = subprocess.run(
            (sys.executable, "-m", "sidecars.cli", "migrate"),
            env=self.env(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"The database could not be prepared:\n{done.stdout}{done.stderr}")

    def start_processes(self, *process_names: str) -> None:
        """Starts the named processes (Procfile's names, `simulator`); returns when each is healthy."""
        env = self.env()
        chosen = [self.processes[name] for name in _known(process_names)]
        for process in chosen:
            process.launch(env)
        for process in chosen:
            process.wait_healthy()

    def stop_processes(self, *process_names: str) -> None:
        """Stops the named processes, or all, along the flow: each drains into those that stop after it."""
        chosen = _known(process_names) or list(self.processes)
        for name, process in self.processes.items():
            if name in chosen:
                process.stop()

    def stop(self) -> None:
        """Processes first, as they drain into the services; then the services."""
        self.stop_processes()
        with ThreadPoolExecutor(len(self.services)) as pool:
            list(pool.map(lambda service: service.stop(), self.services))

    def kill(self) -> None:
        """Ends everything at once, for a stack whose data nobody wants any more."""
        processes = [process.daemon for process in self.processes.values()]
        for daemon in (*processes, *(service.daemon for service in self.services)):
            daemon.kill()


def _known(process_names: Iterable[str]) -> list[str]:
    chosen = list(process_names)
    for name in chosen:
        if name not in PORTS:
            raise LocalError(f"There is no process {name!r}. There are: {', '.join(PORTS)}.")
    return chosen
