import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from sidecars import names
from sidecars.analytics.client import client
from sidecars.analytics.reports import broadcast_report, deferred, engagement, final_states, message_timeline
from tests.mailing import mailing
from tests.raw_events import rfc3339
from tests.support import wait_for

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PROCESSED = "2026-11-26T00:00:00.000Z"
PROVIDERS = ("bigmail.example", "postbox.example", "officehost.example")
BOUNCES = ("hard_bounce", "blocked", "mailbox_full")
LINKS = 4


class History:
    """Random events of a broadcast, told to ClickHouse in any order and some twice; counted by hand."""

    def __init__(self, seed, sent):
        self.random = random.Random(seed)
        self.sent = sent
        self.mails, self.opens, self.clicks = [], [], []
        for mail in sent.mails:
            self._live(mail)

    def _row(self, mail, after_seconds, **fields):
        team_id, broadcast_id, contact_id, variant_id = mail.whose
        return {
            "event_id": str(uuid4()),
            "message_id": str(mail.message_id),
            "occurred_at": rfc3339(START + timedelta(seconds=after_seconds)),
            "team_id": team_id,
            "broadcast_id": broadcast_id,
            "contact_id": contact_id,
            "variant_id": variant_id,
            "processed_at": PROCESSED,
        } | fields

    def _live(self, mail):
        chance = self.random
        provider = chance.choice(PROVIDERS)
        at = chance.uniform(0, 7200)

        def status(type_, seconds, **fields):
            self.mails.append(self._row(mail, at + seconds, type=type_, provider=provider, **fields))

        for attempt in range(chance.choice((0, 0, 0, 1, 2))):
            status("deferred", attempt, code=451)
        fate = chance.random()
        if fate < 0.15:
            status("bounced", 10, state="bounced", reason=chance.choice(BOUNCES))
            return
        if fate < 0.20:
            return
        if fate < 0.25:
            status("unknown", 10, state="unknown")
            if chance.random() < 0.5:
                return
        status("delivered", 10, state="delivered", delay_ms=chance.randrange(50, 900))
        if chance.random() < 0.05:
            status("inbound", 300, kind="bounce", state="bounced", reason="late_dsn")
        if chance.random() < 0.05:
            status("inbound", 400, kind="complaint")
        if chance.random() < 0.05:
            status("inbound", 500, kind="auto_reply")
        for _ in range(chance.choice((0, 0, 1, 3))):
            self.opens.append(self._visit(mail, at))
        for _ in range(chance.choice((0, 0, 0, 1, 2))):
            index = chance.randrange(LINKS)
            self.clicks.append(
                self._visit(mail, at)
                | {
                    "type": "click",
                    "method": "click",
                    "link_index": index,
                    "url": f"https://shop.example/{index}",
                }
            )
        for _ in range(chance.choice((0,) * 9 + (2,))):
            method = chance.choice(("page", "one-click", "mailto"))
            self.clicks.append(
                self._visit(mail, at) | {"type": "unsubscribe", "method": method, "verdict": "person"}
            )

    def _visit(self, mail, at):
        chance = self.random
        return self._row(
            mail,
            at + chance.uniform(20, 40_000),
            verdict=chance.choice(("person", "person", "scanner", "privacy_proxy", "bot")),
            country=chance.choice(("DE", "FR", "")),
            device=chance.choice(("phone", "desktop", "")),
        )

    def tell(self, feed):
        told = (
            (names.TOPIC_CH_MESSAGES, self.mails),
            (names.TOPIC_CH_OPENS, self.opens),
            (names.TOPIC_CH_CLICKS, self.clicks),
        )
        for topic, rows in told:
            copies = rows + self.random.sample(rows, len(rows) // 3)
            self.random.shuffle(copies)
            feed(topic, copies)
        for topic, rows in told:
            table = topic.removeprefix("clickhouse_")
            query = f"SELECT count() FROM {table} FINAL WHERE broadcast_id = {{id:UInt32}}"
            expected = [(len(rows),)]
            wait_for(
                lambda query=query, expected=expected: (
                    client().execute(query, {"id": self.sent.broadcast_id}) == expected
                ),
                timeout=30,
            )

    # --- by hand ---

    def states(self):
        states = {}
        for row in self.mails:
            known = states.get(row["message_id"], "accepted")
            states[row["message_id"]] = max(
                known,
                row.get("state") or "accepted",
                key=("accepted", "unknown", "delivered", "bounced").index,
            )
        return states

    def bounced_by_reason(self):
        first = {}
        for row in sorted(self.mails, key=lambda row: row["occurred_at"]):
            if row.get("state") == "bounced":
                first.setdefault(row["message_id"], row["reason"])
        return Counter(first.values())

    def mails_with(self, **fields):
        return {row["message_id"] for row in self.mails if fields.items() <= row.items()}

    def by_verdict(self, rows):
        verdicts = defaultdict(list)
        for row in rows:
            verdicts[row["verdict"]].append(row["message_id"])
        return {
            verdict: {"total": len(mails), "unique": len(set(mails))} for verdict, mails in verdicts.items()
        }

    def people(self, rows):
        return [row for row in rows if row["verdict"] == "person"]

    def only_clicks(self):
        return [row for row in self.clicks if row["type"] == "click"]


@pytest.fixture(scope="module", params=[1, 2])
def history(request, stack):
    from sidecars import streams

    producer = streams.producer()

    def feed(topic, rows):
        for start in range(0, len(rows), 50):
            producer.send(topic, streams.ndjson(rows[start : start + 50])).get(timeout=60)

    made = History(request.param, mailing(200))
    made.tell(feed)
    producer.close()
    return made


@pytest.fixture(scope="module")
def report(history):
    return broadcast_report(history.sent.team_id, history.sent.broadcast_id)


def test_mails_count_once_by_their_last_state(history, report):
    states = Counter(history.states().values())

    assert report["delivered"] == states["delivered"] > 0
    assert report["bounced"] == states["bounced"] > 0
    assert report["unknown"] == states["unknown"] > 0
    assert report["waiting"] == states["accepted"] > 0
    assert report["bounced_by_reason"] == history.bounced_by_reason()
    assert sum(report["bounced_by_reason"].values()) == report["bounced"]


def test_mails_that_waited_complained_or_answered_are_counted(history, report):
    assert report["deferred"] == len(history.mails_with(type="deferred")) > 0
    assert report["complaints"] == len(history.mails_with(kind="complaint")) > 0
    assert report["auto_replies"] == len(history.mails_with(kind="auto_reply")) > 0


@pytest.mark.parametrize("what", ["opens", "clicks"])
def test_opens_and_clicks_are_counted_in_all_and_by_verdict(history, report, what):
    rows = history.opens if what == "opens" else history.only_clicks()
    by_verdict = history.by_verdict(rows)

    assert report[what]["total"] == len(rows) > 0
    assert report[what]["unique"] == len({row["message_id"] for row in rows})
    assert report[what]["by_verdict"] == by_verdict
    assert report[what]["people"] == by_verdict["person"]
    assert report[what]["machines"]["total"] == len(rows) - by_verdict["person"]["total"]


def test_who_left_twice_left_once(history, report):
    left = [row for row in history.clicks if row["type"] == "unsubscribe"]

    assert report["unsubscribes"] == len({row["message_id"] for row in left}) > 0
    assert sum(report["unsubscribed_by_method"].values()) == report["unsubscribes"]


def test_hours_hold_what_happened_in_them(history, report):
    def by_hour(rows):
        hours = defaultdict(set)
        for row in rows:
            hours[row["occurred_at"][:13]].add(row["message_id"])
        return {hour: len(mails) for hour, mails in hours.items()}

    delivered = by_hour([row for row in history.mails if row.get("state") == "delivered"])
    opens, clicks = by_hour(history.people(history.opens)), by_hour(history.people(history.only_clicks()))
    found = {row["hour"].strftime("%Y-%m-%dT%H"): row for row in report["by_hour"]}
    assert {hour: row["delivered"] for hour, row in found.items() if row["delivered"]} == delivered
    assert {hour: row["opens"] for hour, row in found.items() if row["opens"]} == opens
    assert {hour: row["clicks"] for hour, row in found.items() if row["clicks"]} == clicks


def test_providers_add_up_to_the_whole(history, report):
    states = history.states()
    opened = {row["message_id"] for row in history.people(history.opens)}
    clicked = {row["message_id"] for row in history.people(history.only_clicks())}
    for row in report["by_provider"]:
        mails = history.mails_with(provider=row["provider"])
        assert row["mails"] == len(mails)
        assert row["delivered"] == sum(states[mail] == "delivered" for mail in mails)
        assert row["bounced"] == sum(states[mail] == "bounced" for mail in mails)
        assert row["unknown"] == sum(states[mail] == "unknown" for mail in mails)
        assert row["deferred"] == len(mails & history.mails_with(type="deferred"))
        assert row["opened"] == len(mails & opened)
        assert row["clicked"] == len(mails & clicked)
    assert {row["provider"] for row in report["by_provider"]} == set(PROVIDERS)


def test_links_are_told_apart_by_their_place(history, report):
    for row in report["by_link"]:
        clicks = [click for click in history.only_clicks() if click["link_index"] == row["link_index"]]
        people = history.people(clicks)
        assert row["url"] == f"https://shop.example/{row['link_index']}"
        assert (row["total"], row["unique"]) == (len(clicks), len({click["message_id"] for click in clicks}))
        assert (row["people_total"], row["people_unique"]) == (
            len(people),
            len({click["message_id"] for click in people}),
        )
    assert len(report["by_link"]) == LINKS


@pytest.mark.parametrize("what", ["country", "device"])
def test_countries_and_devices_are_peoples(history, report, what):
    for row in report[f"by_{what}"]:
        assert row["opens"] == len(
            {open_["message_id"] for open_ in history.people(history.opens) if open_[what] == row[what]}
        )
        assert row["clicks"] == len(
            {
                click["message_id"]
                for click in history.people(history.only_clicks())
                if click[what] == row[what]
            }
        )


def test_final_states_are_the_ledgers_to_compare(history):
    assert final_states(history.sent.team_id, history.sent.broadcast_id) == {
        UUID(mail): state for mail, state in history.states().items()
    }


def test_deferred_names_the_mails(history):
    assert deferred(history.sent.team_id, history.sent.broadcast_id) == {
        UUID(row["message_id"]) for row in history.mails if row["type"] == "deferred"
    }


def test_engagement_names_the_mails(history):
    def mails(rows):
        return {UUID(row["message_id"]) for row in rows}

    assert engagement(history.sent.team_id, history.sent.broadcast_id) == {
        "opened": mails(history.opens),
        "clicked": mails(history.only_clicks()),
        "unsubscribed": mails(row for row in history.clicks if row["type"] == "unsubscribe"),
        "opened_by_people": mails(history.people(history.opens)),
        "clicked_by_people": mails(history.people(history.only_clicks())),
    }


def test_a_timeline_holds_every_event_of_a_mail_in_order(history):
    mail = max(
        history.sent.mails,
        key=lambda mail: sum(
            row["message_id"] == str(mail.message_id)
            for row in history.mails + history.opens + history.clicks
        ),
    )
    expected = sorted(
        (row["occurred_at"], row["event_id"])
        for row in history.mails + history.opens + history.clicks
        if row["message_id"] == str(mail.message_id)
    )

    events = message_timeline(history.sent.team_id, mail.message_id)

    assert [(rfc3339(event["occurred_at"]), str(event["event_id"])) for event in events] == expected
    assert {"deferred", "delivered"} & {event["type"] for event in events}


def test_another_teams_mails_and_broadcasts_are_not_shown(history):
    stranger = history.sent.team_id + 1_000_000

    assert message_timeline(stranger, history.sent.mails[0].message_id) == []
    assert broadcast_report(stranger, history.sent.broadcast_id)["delivered"] == 0


def test_a_broadcast_of_which_nothing_was_heard_has_a_report_of_zeros(stack):
    report = broadcast_report(1, 999_999_999)

    assert (report["delivered"], report["opens"]["total"], report["by_hour"]) == (0, 0, [])
    assert report["clicks"]["people"] == {"total": 0, "unique": 0}
