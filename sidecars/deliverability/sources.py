"""Sources: the addresses that mail leaves from, and which mail each of them takes."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from peewee import IntegrityError

from sidecars.deliverability.domains import domain_name
from sidecars.deliverability.operator_log import record
from sidecars.edge import lanes
from sidecars.models import LaneControl, Source, Team, database

POOLS = ("send", "engage")
ACTIVE, OFF = "active", "off"
# The one source that edges have as long as nobody has named any (haraka/plugins/lib/sources.js).
DEFAULT = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_EDGE = re.compile(r"[\w.-]{1,64}", re.ASCII)


class SourceError(ValueError):
    """A field cannot be so; the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class SourceExists(Exception):
    """The name or the address is another source's."""


class SourceNeeded(Exception):
    """Without it mail of a pool could not leave; the message says which, and what to do."""


class NoSource(Exception):
    """There is no source of this name."""


@dataclass(frozen=True)
class Facts:
    """A source as an operator describes it; see `models.Source`."""

    name: str
    address: str | None = None
    helo: str | None = None
    edge: str | None = None
    pools: tuple[str, ...] = POOLS
    team_id: int | None = None
    state: str = ACTIVE


def create(by: str, facts: Facts) -> Source:
    """Mail leaves from it as soon as this returns. Raises SourceError, SourceExists, SourceNeeded."""
    facts = _checked(facts)
    try:
        with database.atomic():
            others = _locked()
            _refuse_gaps([*others, facts])
            source = Source.create(**_columns(facts))
            record(by, "create source", facts.name, **asdict(facts))
    except IntegrityError as error:
        raise SourceExists(facts.name) from error
    lanes.write()
    return source


def change(by: str, name: str, **changes: object) -> Source:
    """Changes fields of `Facts` but the name, at once. Raises NoSource and what `create` raises."""
    try:
        with database.atomic():
            before = _one(name)
            after = _checked(replace(before, **changes))  # type: ignore[arg-type]
            _refuse_gaps([*(other for other in _locked() if other.name != name), after])
            Source.update(**_columns(after)).where(Source.name == name).execute()
            record(by, "change source", name, before=asdict(before), after=asdict(after))
    except IntegrityError as error:
        raise SourceExists(name) from error
    lanes.write()
    return get(name)


def delete(by: str, name: str) -> None:
    """With its warm-up plans and what is said of its lanes. Raises NoSource, SourceNeeded.

    Mail that waits for it leaves by another of its pool.
    """
    with database.atomic():
        before = _one(name)
        _refuse_gaps([other for other in _locked() if other.name != name])
        LaneControl.delete().where(LaneControl.source == name).execute()
        Source.delete().where(Source.name == name).execute()
        record(by, "delete source", name, **asdict(before))
    lanes.write()


def get(name: str) -> Source:
    """Raises NoSource."""
    source = Source.get_or_none(Source.name == name)
    if source is None:
        raise NoSource(name)
    return source


def _one(name: str) -> Facts:
    found = next((facts for facts in _locked() if facts.name == name), None)
    if found is None:
        raise NoSource(name)
    return found


def _locked() -> list[Facts]:
    """All of them, as they stay till the transaction ends."""
    return [
        Facts(row.name, row.address, row.helo, row.edge, tuple(row.pools), row.team_id, row.state)
        for row in Source.select().order_by(Source.name).for_update()
    ]


def _columns(facts: Facts) -> dict[str, object]:
    columns = asdict(facts)
    return {**columns, "team": columns.pop("team_id"), "pools": list(facts.pools)}


def _checked(facts: Facts) -> Facts:
    if not _NAME.fullmatch(facts.name):
        raise SourceError("name", "A name has lower-case letters, digits, dots and dashes, 64 at most.")
    if facts.edge is not None and not _EDGE.fullmatch(facts.edge):
        raise SourceError("edge", "Give the EDGE_NAME of the edge that has the address, or none.")
    unknown = set(facts.pools) - set(POOLS)
    if unknown or not facts.pools:
        raise SourceError("pools", f"Pools are {' and '.join(POOLS)}; name one or both.")
    if facts.state not in (ACTIVE, OFF):
        raise SourceError("state", f"A source is {ACTIVE} or {OFF}.")
    if facts.team_id is not None and not Team.select().where(Team.id == facts.team_id).exists():
        raise SourceError("team_id", f"There is no team {facts.team_id}.")
    pools = tuple(pool for pool in POOLS if pool in facts.pools)
    return replace(facts, address=_address(facts.address), helo=_helo(facts.helo), pools=pools)


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(ipaddress.ip_address(text))
    except ValueError as error:
        raise SourceError("address", f"{text} is no IP address.") from error


def _helo(text: str | None) -> str | None:
    try:
        return None if text is None else domain_name(text)
    except ValueError as error:
        raise SourceError("helo", str(error)) from error


def _refuse_gaps(sources: Sequence[Facts]) -> None:
    """With no active source edges use the system's address; with some, each pool needs one for all."""
    active = [source for source in sources if source.state == ACTIVE]
    for edge in sorted({source.edge for source in active}, key=str):
        shared = [source for source in active if source.team_id is None and source.edge in (None, edge)]
        missing = [pool for pool in POOLS if not any(pool in source.pools for source in shared)]
        if missing:
            where = f" at {edge}" if edge else ""
            raise SourceNeeded(
                f"The pool {missing[0]} would have no active source{where} for teams without one of their "
                f"own. Give another one the pool first; to stop mail for a while, pause the lane."
            )
