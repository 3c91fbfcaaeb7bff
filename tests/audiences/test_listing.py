"""Pages of contacts, in MariaDB: each way through them gives what it should, once, however small they are."""

from datetime import UTC, datetime, timedelta

import pytest

from sidecars.audiences import contacts, counting, listing, properties
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.listing import NotTheCursor, UnknownProperty, Wanted
from sidecars.models import Audience, Contact

PEOPLE = 60
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("Ada", "Adam", "Bob", "Eve")


@pytest.fixture
def readers(audience):
    """Who they are follows from their number. In the order in which they came, which was a day apart."""
    people = [
        (
            f"{'abc'[n % 3]}{n:02}@mail.example",
            ContactFacts(
                first_name=NAMES[n % 4],
                last_name=f"Last{n % 5}",
                properties={
                    "n": n,
                    "even": n % 2 == 0,
                    "city": f"City {n % 7}",
                    "likes": ["tea", f"x{n % 2}"],
                },
                tags=["third"] if n % 3 == 0 else [],
                status="unsubscribed" if n % 10 == 0 else None,
            ),
        )
        for n in range(PEOPLE)
    ]
    rows = sorted(
        (outcome.contact for outcome in contacts.upsert_all(audience.id, people)), key=lambda row: row.id
    )
    for n, row in enumerate(rows):
        at = FIRST + timedelta(days=n)
        changed = FIRST + timedelta(hours=(n * 7) % PEOPLE // 2)  # two at a time
        Contact.update(created_at=at, updated_at=changed).where(Contact.id == row.id).execute()
    return [Contact.get_by_id(row.id) for row in rows]


def walked(audience, wanted, sort, limit):
    found, cursor = [], None
    while True:
        rows, cursor = listing.page(audience.id, wanted, sort, cursor, limit)
        found += rows
        if cursor is None:
            return found


def number(row):
    return int(row.properties["n"])


def day(n):
    return FIRST + timedelta(days=n)


CASES = {
    "all": (Wanted(), lambda row: True),
    "status": (Wanted(status="unsubscribed"), lambda row: row.status == "unsubscribed"),
    "tag": (Wanted(tag="third"), lambda row: number(row) % 3 == 0),
    "no such tag": (Wanted(tag="none"), lambda row: False),
    "tag and status": (
        Wanted(tag="third", status="subscribed"),
        lambda row: number(row) % 3 == 0 and number(row) % 10,
    ),
    "text": (Wanted(properties=[("city", "City 3")]), lambda row: number(row) % 7 == 3),
    "number": (Wanted(properties=[("n", "17")]), lambda row: number(row) == 17),
    "boolean": (Wanted(properties=[("even", "yes"), ("n", "")]), lambda row: number(row) % 2 == 0),
    "list": (Wanted(properties=[("likes", "x1")], tag="third"), lambda row: number(row) % 6 == 3),
    "created": (
        Wanted(created_from=day(5), created_before=day(15)),
        lambda row: day(5) <= row.created_at < day(15),
    ),
    "created later than all": (Wanted(created_from=day(500)), lambda row: False),
    "updated": (
        Wanted(updated_from=FIRST + timedelta(hours=3), updated_before=FIRST + timedelta(hours=9)),
        lambda row: timedelta(hours=3) <= row.updated_at - FIRST < timedelta(hours=9),
    ),
    "address": (Wanted(email="b01@mail.example"), lambda row: number(row) == 1),
}
KEYS = {
    "created": lambda row: row.id,
    "updated": lambda row: (row.updated_at, row.id),
    "email": lambda row: row.email,
}


@pytest.mark.parametrize("few", [0, 3000])
@pytest.mark.parametrize("step", [4, 2500])
def test_every_filter_in_every_order_gives_each_once(audience, readers, monkeypatch, step, few):
    monkeypatch.setattr(listing, "STEP", step)
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 2 * step)
    monkeypatch.setattr(listing, "FEW", few)
    for name, (wanted, fits) in CASES.items():
        for sort in listing.SORTS:
            expected = sorted(filter(fits, readers), key=KEYS[sort.strip("-")], reverse=sort.startswith("-"))
            found = walked(audience, wanted, sort, 7)
            assert [row.email for row in found] == [row.email for row in expected], (name, sort)


def test_a_search_finds_beginnings_of_addresses_and_names_each_person_once(audience, readers):
    def search(text, **more):
        return [row.email for row in walked(audience, Wanted(search=text, **more), listing.BY_RELEVANCE, 4)]

    def those(fits):
        return sorted(row.email for row in readers if fits(row))

    found = search("A")
    addresses = those(lambda row: row.email.startswith("a"))
    assert found[: len(addresses)] == addresses
    assert sorted(found) == those(lambda row: row.email.startswith("a") or row.first_name in ("Ada", "Adam"))
    assert sorted(search("last3")) == those(lambda row: row.last_name == "Last3")
    assert sorted(search("ada last3")) == those(
        lambda row: (row.first_name, row.last_name) == ("Ada", "Last3")
    )
    assert sorted(search("bob", tag="third")) == those(
        lambda row: row.first_name == "Bob" and number(row) % 3 == 0
    )
    assert search("%") == search("a_") == search("nobody") == []


def test_no_page_looks_at_more_than_it_may(audience, readers, monkeypatch):
    monkeypatch.setattr(listing, "STEP", 10)
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 20)
    rows, cursor = listing.page(audience.id, Wanted(properties=[("n", "59")]), "created", None, 100)
    assert rows == []
    assert cursor == ["created", 0, readers[19].id]


@pytest.mark.parametrize(
    "cursor",
    [["email", 0, "x"], ["created", 1, 5], ["created", 0, "x"], ["created", 0, 1, 2], ["created"], [], 7],
)
def test_a_cursor_of_another_list_is_refused(audience, cursor):
    with pytest.raises(NotTheCursor):
        listing.page(audience.id, Wanted(), "created", cursor, 10)


def test_what_cannot_be_asked_of_a_property_is_told(audience, readers):
    with pytest.raises(UnknownProperty):
        listing.page(audience.id, Wanted(properties=[("age", "7")]), "created", None, 10)
    with pytest.raises(properties.PropertyError):
        listing.page(audience.id, Wanted(properties=[("n", "seven")]), "created", None, 10)


def test_another_audience_shows_nobody_of_this(audience, readers):
    other = contacts.create_audience(audience.team_id, "Others")
    for sort in listing.SORTS:
        assert walked(other, Wanted(), sort, 10) == []


def test_a_large_audience_is_counted_once_a_minute_by_one(audience, readers, monkeypatch):
    def counted():
        return counting.counts([audience.id])[audience.id]

    assert counted() == {"subscribed": 54, "unsubscribed": 6}
    monkeypatch.setattr(counting, "LARGE", 10)
    assert counted() == {"subscribed": 54, "unsubscribed": 6}
    contacts.delete(readers[1].id)
    assert counted()["subscribed"] == 54
    Audience.update(counted_at=FIRST).where(Audience.id == audience.id).execute()
    assert counted()["subscribed"] == 53
    monkeypatch.undo()
    assert counted()["subscribed"] == 53
    assert Audience.get_by_id(audience.id).counted is None
