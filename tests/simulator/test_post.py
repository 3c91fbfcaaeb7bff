import pytest

from simulator.post import ids_of, message_id_of
from tests.simulator.world import MESSAGE_ID, TOKEN


def test_a_return_path_opens_to_its_message_id():
    assert message_id_of(f"b-{TOKEN}@kb.acme.example") == MESSAGE_ID
    assert message_id_of(f"B-{TOKEN.upper()}@kb.acme.example") == MESSAGE_ID


@pytest.mark.parametrize("sender", ["", "news@acme.example", f"u-{TOKEN}@a.example", f"b-{TOKEN}x@a.example"])
def test_another_address_opens_to_none(sender):
    assert message_id_of(sender) is None


def test_forty_characters_that_are_not_base32_open_to_none():
    assert message_id_of("b-" + "1" * 40 + "@kb.acme.example") is None


def test_ids_come_from_the_headers_first():
    head = b"From: x\r\nx-kibamail-message-id:  abc \r\nX-Kibamail-Broadcast-ID: 12\r\n"
    raw = head + b"\r\nX-Kibamail-Contact-ID: 3\r\n"
    assert ids_of(raw, f"b-{TOKEN}@kb.acme.example") == ("abc", 12, None)


def test_without_headers_the_return_path_tells_the_message():
    assert ids_of(b"", f"b-{TOKEN}@kb.acme.example") == (MESSAGE_ID, None, None)
    assert ids_of(b"Subject: x\r\n\r\n", "a@b.example") == (None, None, None)


def test_a_broadcast_id_that_is_no_number_is_none():
    assert ids_of(b"X-Kibamail-Broadcast-ID: twelve\r\n\r\n", "") == (None, None, None)
