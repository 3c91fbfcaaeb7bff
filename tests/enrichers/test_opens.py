from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sidecars import names
from sidecars.edge.messages import Attribution
from sidecars.enrichers.opens import process
from tests.raw_events import open_event, rfc3339

MESSAGE = uuid4()
WHOSE = Attribution(team_id=3, broadcast_id=7, contact_id=11, variant_id=2)
DELIVERED = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def row_of(event):
    outcome = process([event], {MESSAGE: WHOSE}, {MESSAGE: DELIVERED}, "2026-11-24T10:15:30.125Z")
    (row,) = outcome.rows[names.TOPIC_CH_OPENS]
    return row


def test_an_open_tells_who_where_and_with_what():
    row = row_of(open_event(MESSAGE))

    assert (row["verdict"], row["country"], row["device"], row["os"]) == (
        "person",
        "DE",
        "desktop",
        "Windows",
    )
    assert row["headers"] == {"accept": "image/*", "accept-language": "de-DE"}


def test_behind_an_image_proxy_device_and_country_are_unknown():
    row = row_of(open_event(MESSAGE, user_agent=GMAIL, ip="66.249.84.1"))

    assert (row["verdict"], row["country"], row["device"], row["os"]) == ("person", "", "", "")
    assert row["network"] == "GOOGLE"


def test_an_open_from_a_data_centre_right_after_delivery_is_a_scanner():
    at = rfc3339(DELIVERED + timedelta(seconds=2))

    assert row_of(open_event(MESSAGE, ip="40.107.1.1", occurred_at=at))["verdict"] == "scanner"
