import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.config import default_ports
from infra.local.errors import LocalError
from infra.local.ports import FREE_RANGE, free_ports, is_free, load_ports, require_free, save_ports


@pytest.fixture(params=[socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.socket(socket.AF_INET, request.param) as holder:
        holder.bind(("127.0.0.1", 0))
        if request.param == socket.SOCK_STREAM:
            holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_named_with_its_service_and_the_way_out(taken: int) -> None:
    with pytest.raises(LocalError, match=rf"Port {taken}, wanted by redis, .*KIBA_PORT_OFFSET") as told:
        require_free("redis", [taken])
    assert told.value.exit_code == 1


def test_a_port_is_free_again_when_its_holder_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_no_two_processes_find_the_same_ports() -> None:
    program = (
        "from infra.local.ports import free_ports; print(*free_ports(map(str, range(300))).values()); input()"
    )
    others = [
        subprocess.Popen(
            (sys.executable, "-c", program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        found = [port for other in others if other.stdout for port in other.stdout.readline().split()]
        assert len(set(found)) == len(found) == 1200
    finally:
        for other in others:
            other.communicate("\n", timeout=60)


def test_found_ports_differ_and_stay_out_of_the_way_of_outgoing_connections() -> None:
    names = [f"port {n}" for n in range(40)]
    ports = free_ports(names)
    assert list(ports) == names
    assert len(set(ports.values())) == 40
    assert all(port in FREE_RANGE for port in ports.values())


def test_ports_are_kept_for_the_next_command(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    assert load_ports(file) == {}
    save_ports(file, {"redis": 26379})
    assert load_ports(file) == {"redis": 26379}


def test_no_two_defaults_are_alike() -> None:
    ports = list(default_ports().values())
    assert len(set(ports)) == len(ports)


def test_an_offset_moves_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    before = default_ports()
    monkeypatch.setenv("KIBA_PORT_OFFSET", "1000")
    assert default_ports() == {name: port + 1000 for name, port in before.items()}


@pytest.mark.parametrize("offset", ["40000", "-30000"])
def test_an_offset_that_leads_out_of_range_is_refused(offset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBA_PORT_OFFSET", offset)
    with pytest.raises(LocalError, match="out of 1024 to 65535"):
        default_ports()


def test_an_offset_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBA_PORT_OFFSET", "many")
    with pytest.raises(LocalError, match="must be a whole number such as 1000, not 'many'"):
        default_ports()
