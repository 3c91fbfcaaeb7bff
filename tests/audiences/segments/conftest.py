"""Worlds to ask filters of, made once."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from sidecars.audiences.segments import people, store
from sidecars.audiences.segments.language import read
from sidecars.models import database
from tests.audiences.segments.world import AT, Person, World, build

CORPUS = json.loads((Path(__file__).parent / "corpus.json").read_text())


def person_of(name, said):
    said = dict(said)
    for moment in ("subscribed_at", "unsubscribed_at", "created_at"):
        if said.get(moment):
            said[moment] = datetime.fromisoformat(said[moment]).replace(tzinfo=UTC)
    said["events"] = [tuple(event) for event in said.get("events", ())]
    return Person(**{"email": f"{name}@mail.example"} | said)


@cache
def _village():
    with database.connection_context():
        return build(
            World(
                [person_of(name, said) for name, said in CORPUS["people"].items()],
                {int(place): days for place, days in CORPUS["broadcasts"].items()},
            )
        )


@pytest.fixture(scope="session")
def village(stack):
    """The small population of corpus.json."""
    return _village()


@pytest.fixture(autouse=True)
def connection(stack):
    with database.connection_context():
        yield


def with_ids(given, world):
    """`bc_3` of the corpus is the third broadcast, whatever its id."""
    text = re.sub(r'"bc_(\d+)"', lambda found: f'"bc_{world.ids[int(found[1])]}"', json.dumps(given))
    return json.loads(text)


@pytest.fixture
def ask():
    """The addresses of those whom MySQL and ClickHouse find, as planning asks and as a preview does."""

    def _ask(given, world):
        condition = read(given, store.known(world.audience))
        sql, values = people.in_sql(world.audience, condition, AT)
        rows = database.execute_sql(
            f"SELECT c.email, {sql} FROM contacts c WHERE c.audience_id = %s", [*values, world.audience.id]
        ).fetchall()
        assert {answer for _, answer in rows} <= {0, 1}
        return {email for email, answer in rows if answer}

    return _ask
