from datetime import UTC, datetime
from uuid import uuid4

import pytest

from sidecars.analytics.client import client
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.reconcile import Line, reconcile
from sidecars.broadcasts.settle import Settlement, settle
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import Broadcast, Send
from tests.broadcasts.books import in_clickhouse, in_ledger

S = SendState


class Books:
    """A broadcast of six mails: three delivered, two bounced, one cancelled; all sources agree."""

    def __init__(self, broadcast):
        self.broadcast = broadcast
        self.sends = list(Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id))
        *_, cancelled = self.sends
        move_sends(broadcast.id, [cancelled.contact_id], {S.PLANNED}, S.CANCELLED, Reason.CANCELLED)
        for send in self.sends[:3]:
            self.delivered(send)
        self.bounced(self.sends[3])
        self.bounced(self.sends[4], attempts=3)
        self.tell_clickhouse(self.sends[4].message_id, "deferred")
        self.receipts = [
            *(receipt("accepted", send) for send in self.sends[:3]),
            receipt("refused", self.sends[3]),
            # The second was only ever put off, until we gave up.
            receipt("deferred", self.sends[4]),
            receipt("accepted", None),
            {"kind": "accepted", "message_id": str(uuid4())},
        ]

    def delivered(self, send):
        self.settle(send, S.DELIVERED)
        self.tell_clickhouse(send.message_id, "delivered")

    def bounced(self, send, attempts=1):
        self.settle(send, S.BOUNCED, attempts)
        self.tell_clickhouse(send.message_id, "bounced")

    def settle(self, send, to, attempts=1):
        settle([Settlement(send.broadcast_id, send.contact_id, to, attempts=attempts)])

    def tell_clickhouse(self, message_id, state, attempt=1):
        fields = {"type": state, "state": "" if state == "deferred" else state, "attempt": attempt}
        self._insert("smtp_messages", message_id, **fields)

    def visit(self, table, send, **fields):
        self._insert(table, send.message_id, verdict="person", **fields)

    def _insert(self, table, message_id, **fields):
        row = {
            "event_id": uuid4(),
            "occurred_at": datetime.now(UTC),
            "team_id": self.broadcast.team_id,
            "broadcast_id": self.broadcast.id,
            "message_id": message_id,
        } | fields
        client().execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES", [row])

    def balance(self):
        return reconcile(self.broadcast.id, self.receipts)

    def the_difference(self):
        books = self.balance()
        assert not books.balanced
        (difference,) = books.differences
        return difference


def receipt(kind, send, **fields):
    return {"kind": kind, "message_id": send and str(send.message_id)} | fields


@pytest.fixture
def books(planned):
    return Books(planned(6))


def test_books_that_agree_are_balanced_and_every_mail_is_in_a_row(books):
    result = books.balance()
    assert (result.balanced, result.differences) == (True, [])
    assert result.rows[:4] == [
        Line("planned", 6, None, None),
        Line("cancelled", 1, None, None),
        Line("delivered", 3, 3, 3),
        Line("bounced", 2, 2, 2),
    ]


@pytest.mark.parametrize("arrived", [True, False])
def test_receipts_do_not_contradict_a_fate_that_is_unknown(books, arrived):
    lost = books.sends[5]
    books.settle(lost, S.UNKNOWN)
    assert books.the_difference() == f"{lost.message_id} is unknown, but not by ClickHouse"
    books.tell_clickhouse(lost.message_id, "unknown")
    books.receipts += [receipt("accepted", lost)] * arrived
    result = books.balance()
    assert (result.balanced, result.differences) == (True, [])
    assert Line("unknown", 1, 1, None) in result.rows


def test_a_mail_that_took_two_attempts_was_deferred(books):
    late = books.sends[5]
    # A cancel that came too late: the edge's word wins.
    books.settle(late, S.DELIVERED, attempts=2)
    books.tell_clickhouse(late.message_id, "delivered")
    books.receipts += [receipt("deferred", late), receipt("accepted", late)]
    assert books.the_difference() == f"{late.message_id} is deferred, but not by ClickHouse"
    books.tell_clickhouse(late.message_id, "deferred")
    assert Line("deferred", 2, 2, 2) in books.balance().rows


def test_a_deferral_whose_event_died_with_the_edge_is_known_by_the_next_attempts_number(books):
    late = books.sends[5]
    books.settle(late, S.DELIVERED, attempts=2)
    books.tell_clickhouse(late.message_id, "delivered", attempt=2)
    books.receipts += [receipt("dropped", late), receipt("accepted", late)]
    assert books.balance().balanced
    assert Line("deferred", 2, 2, 2) in books.balance().rows


def test_mails_that_an_edge_cancelled_are_compared_and_those_that_none_had_are_not(books):
    here, at_edge = books.sends[5], books.sends[4]
    Send.update(state=S.ACCEPTED).where(Send.message_id == at_edge.message_id).execute()
    in_ledger(at_edge, S.CANCELLED)
    client().execute(f"DELETE FROM smtp_messages WHERE message_id = '{at_edge.message_id}'")
    assert (
        f"{at_edge.message_id} is cancelled at an edge, but not by ClickHouse" in books.balance().differences
    )
    in_clickhouse(at_edge, "cancelled")
    result = books.balance()
    assert (result.balanced, result.differences) == (True, [])
    assert Line("cancelled at an edge", 1, 1, None) in result.rows
    in_clickhouse(here, "cancelled")  # it was on its way there when it was cancelled here
    assert Line("cancelled at an edge", 2, 2, None) in books.balance().rows


def test_without_receipts_the_ledger_and_clickhouse_are_compared(books):
    result = reconcile(books.broadcast.id)
    assert result.balanced
    assert Line("delivered", 3, 3, None) in result.rows


def test_a_mail_that_clickhouse_has_not_heard_of_is_a_difference(books):
    waiting = books.sends[5]
    books.settle(waiting, S.DELIVERED)
    books.receipts.append(receipt("accepted", waiting))
    assert books.the_difference() == f"{waiting.message_id} is delivered, but not by ClickHouse"


def test_a_mail_that_only_clickhouse_knows_is_a_difference(books):
    stranger = uuid4()
    books.tell_clickhouse(stranger, "accepted")
    assert books.the_difference() == f"{stranger} is unknown to the ledger, but not to ClickHouse"


def test_a_mail_that_was_received_twice_is_a_difference(books):
    first = books.sends[0]
    books.receipts.append(receipt("accepted", first))
    assert books.the_difference() == f"{first.message_id} was received 2 times"


def test_two_errors_do_not_cancel_each_other_out(books):
    lost, never_sent = books.sends[0], books.sends[5]
    books.receipts[0] = receipt("accepted", never_sent)
    assert Line("delivered", 3, 3, 3) in books.balance().rows
    assert set(books.balance().differences) == {
        f"{lost.message_id} is delivered, but not by the receipts",
        f"{never_sent.message_id} is delivered, but not by the ledger and ClickHouse",
    }


def test_a_mail_that_was_taken_and_sent_back_later_is_bounced_by_all(books):
    returned = books.sends[0]
    books.bounced(returned)
    books.receipts.append(receipt("dsn_sent", returned))
    result = books.balance()
    assert result.balanced
    assert Line("bounced", 3, 3, 3) in result.rows


def test_a_sum_that_is_not_what_was_planned_is_a_difference(books):
    Broadcast.update(planned_total=7).where(Broadcast.id == books.broadcast.id).execute()
    assert books.the_difference() == "7 were planned, but the ledger has 6"


def test_readers_visits_are_compared_and_a_scanner_only_clicks(books):
    first, second, _ = books.sends[:3]
    books.visit("smtp_email_opens", first)
    books.visit("smtp_email_clicks", first, type="click")
    books.visit("smtp_email_clicks", second, type="click")
    books.visit("smtp_email_clicks", first, type="unsubscribe")
    books.receipts += [
        receipt("opened", first),
        receipt("clicked", first),
        receipt("prefetched", second, what="click"),
        receipt("prefetched", second, what="unsubscribe"),
        receipt("unsubscribed", first),
    ]
    result = books.balance()
    assert result.balanced
    assert [Line("opened", None, 1, 1), Line("clicked", None, 2, 2), Line("unsubscribed", None, 1, 1)] == [
        row for row in result.rows if row.what in ("opened", "clicked", "unsubscribed")
    ]


def test_the_first_twenty_differences_are_told(planned):
    broadcast = planned(30)
    contact_ids = [send.contact_id for send in Send.select().where(Send.broadcast_id == broadcast.id)]
    settle(Settlement(broadcast.id, contact_id, S.DELIVERED) for contact_id in contact_ids)
    result = reconcile(broadcast.id)
    assert (result.balanced, len(result.differences)) == (False, 20)
