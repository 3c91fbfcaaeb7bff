"""Whether a port of this machine is free, and finding free ones for a stack that must not meet another."""

import json
import random
import socket
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from infra.local.errors import LocalError

# Below Linux's range for outgoing connections (32768 and up), so that no client of this machine
# takes a port between our looking and the service's binding; above services.toml's own.
FREE_RANGE = range(10_000, 20_000)
BLOCKS = [range(first, first + 100) for first in FREE_RANGE[::100]]
_held: list[socket.socket] = []


def is_free(port: int) -> bool:
    """True where both TCP and UDP can be bound on loopback. A connection in TIME_WAIT does not count."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def must_listen(port: int) -> None:
    """For servers without a better question to ask. Raises ConnectionError while nothing listens there."""
    if is_free(port):
        raise ConnectionError(f"nothing listens on port {port}")


def require_free(service: str, ports: Iterable[int]) -> None:
    """Raises LocalError that names the service and the port that another program holds."""
    for port in ports:
        if not is_free(port):
            raise LocalError(
                f"Port {port}, wanted by {service}, is taken by another program. "
                f"Stop that program (`ss -tulnp | grep {port}` names it), "
                "or move all our ports: KIBA_PORT_OFFSET=1000 ./kiba run"
            )


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """One free port for each name, no two alike; no other process is given them while this one runs."""
    ports = _unused_ports()
    return {name: next(ports) for name in names}


@cache
def _unused_ports() -> Iterator[int]:
    """The free ports of one block after another. A block is this process's while it listens on the first."""
    for block in random.sample(BLOCKS, len(BLOCKS)):
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", block[0]))
        except OSError:
            holder.close()
            continue
        holder.listen()
        _held.append(holder)
        yield from filter(is_free, block[1:])
    raise LocalError("No port from 10000 to 19999 is free.")


def load_ports(file: Path) -> dict[str, int]:
    """What save_ports wrote; empty where it never did."""
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return ports


def save_ports(file: Path, ports: dict[str, int]) -> dict[str, int]:
    """Writes `ports` for the next command, and returns them."""
    file.write_text(json.dumps(ports, indent=2))
    return ports
