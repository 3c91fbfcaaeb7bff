from uuid import UUID

import pytest

from chaos.verdict import Row, judge, late
from sidecars.broadcasts.states import SendState

MAIL = UUID(int=7)


def judged(state, received, contacts=(1,), most_unknown=0, differences=()):
    return judge(contacts, [Row(1, MAIL, state)], {MAIL: received}, most_unknown, differences)


@pytest.mark.parametrize(
    ("state", "received"),
    [(SendState.DELIVERED, 1), (SendState.BOUNCED, 0), (SendState.CANCELLED, 0), (SendState.SKIPPED, 0)],
)
def test_what_the_ledger_says_is_what_readers_got(state, received):
    verdict = judged(state, received)
    assert verdict.broken == []
    assert (verdict.never, verdict.once, verdict.more) == (1 - received, received, 0)


@pytest.mark.parametrize(
    ("state", "received", "told"),
    [
        (SendState.DELIVERED, 0, "is delivered, yet was never received"),
        (SendState.DELIVERED, 2, "is delivered and was received 2 times"),
        (SendState.UNKNOWN, 2, "is unknown and was received 2 times"),
        (SendState.CANCELLED, 1, "is cancelled, yet was received"),
        (SendState.BOUNCED, 1, "is bounced, yet was received"),
        (SendState.ACCEPTED, 1, "is still accepted"),
    ],
)
def test_a_broken_promise_is_told_with_its_mail(state, received, told):
    assert judged(state, received, most_unknown=1).broken == [f"{MAIL} {told}"]


@pytest.mark.parametrize("received", [0, 1])
def test_what_was_in_flight_may_be_unknown_and_no_more(received):
    assert judged(SendState.UNKNOWN, received, most_unknown=1).broken == []
    assert judged(SendState.UNKNOWN, received).broken == ["1 are unknown, yet at most 0 were in flight"]


def test_who_is_in_no_row_and_what_the_books_say_is_told():
    verdict = judged(SendState.DELIVERED, 1, contacts=(1, 2), differences=["they differ"])
    assert verdict.broken == ["contact 2 is not in the ledger", "they differ"]
    assert not verdict.balanced


def test_a_mail_in_a_silence_is_late():
    receipts = [
        {"message_id": "a", "at": "2026-11-24T10:00:00.500Z"},
        {"message_id": "b", "at": "2026-11-24T10:00:02.000Z"},
    ]
    silence = ("2026-11-24T10:00:01.000Z", "2026-11-24T10:00:03.000Z")
    (told,) = late(receipts, [silence])
    assert told.startswith("b was received at")
