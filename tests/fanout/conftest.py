"""Every process on a mail's way, and a team whose domain the edge knows."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

AROUND = ("simulator", "smtp", "webhook", "enricher")
# Small slices and short leases, so that a few hundred mails meet many of both; a small spool, so that they
# are handed over no faster than the edge sends them and a test finds a broadcast still in its midst.
SETTINGS = {
    "SLICE_SIZE": "25",
    "LEASE_SECONDS": "2",
    "FANOUT_WORKERS": "3",
    "KIBA_MAX_SPOOLED_MAILS": "100",
}


@pytest.fixture(scope="package")
def processes(stack: Any) -> Iterator[Any]:
    """All but the fan-out, which the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        stack.start_processes(*AROUND)
        yield stack
        stack.stop_processes("fanout", *AROUND)


@pytest.fixture
def fanout(processes: Any) -> Any:
    """The running fan-out: its `Process`. It goes on for the next test that wants one."""
    processes.start_processes("fanout")
    return processes.processes["fanout"]


@pytest.fixture
def no_fanout(stack: Any) -> None:
    """None runs, till the test starts one."""
    stack.stop_processes("fanout")


@pytest.fixture(autouse=True)
def around(processes: Any) -> None:
    """Runs whatever a test before had stopped."""
    processes.start_processes(*AROUND)


@pytest.fixture
def sending(processes: Any) -> Iterator[Callable[..., Any]]:
    """`sending(n)` is a draft to n people of a domain that the edge knows."""
    from sidecars.edge import records
    from sidecars.models import database
    from tests.sending import make_draft, make_people, make_team

    with database.connection_context():
        team = make_team()
        records.write_domain(team.domain.id)
        yield lambda n, **options: make_draft(team, make_people(team, n, **options).audience)


@pytest.fixture
def receipts(processes: Any) -> Callable[[], list[dict[str, Any]]]:
    """Every fact that the simulator noted so far."""
    url = f"http://127.0.0.1:{processes.ports['simulator_http']}/receipts.ndjson"
    return lambda: [json.loads(line) for line in requests.get(url, timeout=30).text.splitlines()]
