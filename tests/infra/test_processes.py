import urllib.request
from pathlib import Path

from infra.local.ports import is_free
from infra.local.processes import PORTS, commands
from infra.local.stack import Stack


def test_every_process_type_of_the_procfile_has_its_ports() -> None:
    assert set(commands()) == set(PORTS)


def test_a_started_process_is_healthy_until_it_is_stopped(tmp_path: Path) -> None:
    stack = Stack.ephemeral(tmp_path)
    process = stack.processes["simulator"]
    try:
        stack.start_processes("simulator")
        assert stack.running() == ["simulator"]
        assert urllib.request.urlopen(process.health_url).status == 200
    finally:
        stack.stop_processes("simulator")
    assert stack.running() == []
    assert all(is_free(port) for port in process.ports)
