"""Paths of this clone and the contents of services.toml."""

import os
import tomllib
from pathlib import Path

from infra.local.errors import LocalError

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / ".kiba"

_SERVICES = tomllib.loads(Path(__file__).with_name("services.toml").read_text())
VERSIONS: dict[str, str] = _SERVICES["versions"]
TEST_STACKS = TOOLS / "tests"
KAFKA_JARS = TOOLS / f"kafka-{VERSIONS['kafka']}"


def default_ports() -> dict[str, int]:
    """services.toml's ports, each moved by KIBA_PORT_OFFSET (default 0)."""
    text = os.environ.get("KIBA_PORT_OFFSET", "0")
    try:
        ports = {name: port + int(text) for name, port in _SERVICES["ports"].items()}
    except ValueError:
        raise LocalError(f"KIBA_PORT_OFFSET must be a whole number such as 1000, not {text!r}.") from None
    if min(ports.values()) < 1024 or max(ports.values()) > 65535:
        raise LocalError(f"KIBA_PORT_OFFSET={text} moves ports out of 1024 to 65535. 1000 is a good choice.")
    return ports
