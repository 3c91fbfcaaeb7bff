"""People and robots against a small tracking host of the test's own."""

from urllib.parse import parse_qs

import pytest

from tests.simulator.world import MESSAGE_ID, TOKEN, mail
from tests.support import wait_for

FAST = 86_400 * 10  # Ten days of theirs in a second of ours.


@pytest.fixture
def crowd(start, rules, inbox, tracker):
    """Starts a simulator whose people have the given shares, and has it take mails for `number` of them."""

    def gather(number, shares, outcomes="", **variables):
        world = start(
            rules=rules(f"people = {{ {shares} }}\noutcomes = {{ {outcomes} }}"),
            edge_inbound=f"127.0.0.1:{inbox.port}",
            **{"time_scale": FAST, **variables},
        )
        with world.connect() as smtp:
            for person in range(number):
                address = f"p{person}@only.example"
                smtp.sendmail(f"b-{TOKEN}@kb.acme.example", [address], mail(address, tracker.url))
        return world

    return gather


def settled(world):
    return wait_for(lambda: world.call("GET", "/progress")[1]["pending_actions"] == 0)


def test_everyone_who_opens_is_a_receipt_and_a_request(crowd, tracker):
    world = crowd(20, "open = 1")
    settled(world)
    opened = world.receipts(kind="opened")
    assert len({fact["recipient"] for fact in opened}) == 20
    assert tracker.paths("GET") == [f"/o/{TOKEN}.gif"] * len(opened)
    assert {fact["message_id"] for fact in opened} == {MESSAGE_ID}
    assert {fact["broadcast_id"] for fact in opened} == {7}


def test_some_open_more_than_once(crowd):
    world = crowd(100, "open = 1")
    settled(world)
    assert 110 < len(world.receipts(kind="opened")) < 170


def test_shares_are_of_all_mails(crowd):
    world = crowd(300, "open = 0.5, click = 0.2")
    settled(world)
    openers = {fact["recipient"] for fact in world.receipts(kind="opened")}
    clickers = {fact["recipient"] for fact in world.receipts(kind="clicked")}
    assert 120 < len(openers) < 180
    assert 40 < len(clickers) < 80
    assert clickers < openers


def test_links_at_a_host_that_leads_to_us_are_followed(start, rules, tracker):
    world = start(rules=rules("people = { open = 1, click = 1 }"), time_scale=FAST)
    zone = b"$ORIGIN acme.example.\nlinks 60 IN CNAME links.kibamail.test.\naway 60 IN A 192.0.2.1\n"
    world.call("POST", "/dns/zone", zone)
    with world.connect() as smtp:
        for host, person in (("links.acme.example", "near"), ("away.acme.example", "far")):
            url = tracker.url.replace("127.0.0.1", host)
            address = f"{person}@only.example"
            smtp.sendmail(f"b-{TOKEN}@kb.acme.example", [address], mail(address, url))
    settled(world)
    assert {fact["recipient"] for fact in world.receipts(kind="clicked")} == {"near@only.example"}
    assert {headers["Host"] for _, _, headers, _ in tracker.requests} == {
        tracker.url.removeprefix("http://").replace("127.0.0.1", "links.acme.example")
    }


def test_a_click_goes_to_a_tracked_link_and_no_further(crowd, tracker):
    world = crowd(20, "open = 1, click = 1")
    settled(world)
    clicked = world.receipts(kind="clicked")
    assert {fact["link"] for fact in clicked} == {0, 1}
    assert {fact["code"] for fact in clicked} == {302}
    paths = [path for path in tracker.paths("GET") if path.startswith("/c/")]
    assert sorted(paths) == sorted(f"/c/{TOKEN}/{fact['link']}" for fact in clicked)


def test_requests_carry_the_address_and_the_agent_of_the_receipt(crowd, tracker):
    world = crowd(10, "open = 1")
    settled(world)
    told = sorted((fact["ip"], fact["user_agent"]) for fact in world.receipts(kind="opened"))
    heard = sorted(
        (headers["X-Forwarded-For"], headers["User-Agent"]) for _, _, headers, _ in tracker.requests
    )
    assert told == heard


def test_people_unsubscribe_by_one_click_by_page_and_by_mail(crowd, tracker, inbox):
    inbox.mails.clear()
    world = crowd(60, "open = 1, unsubscribe = 1")
    settled(world)
    left = world.receipts(kind="unsubscribed")
    assert len(left) == 60
    by = {method: [f for f in left if f["method"] == method] for method in ("one-click", "page", "mailto")}
    assert all(by.values())
    forms = [parse_qs(body.decode()) for method, _, _, body in tracker.requests if method == "POST"]
    assert forms.count({"List-Unsubscribe": ["One-Click"]}) == len(by["one-click"])
    assert forms.count({"sure": ["yes"]}) == len(by["page"])
    assert len(inbox.mails) == len(by["mailto"])
    assert {recipient for _, recipient, _ in inbox.mails} == {f"u-{TOKEN}@kb.acme.example"}
    assert {sender for sender, _, _ in inbox.mails} == {fact["recipient"] for fact in by["mailto"]}


def test_robots_open_every_link_with_get_and_never_the_pixel(crowd, tracker):
    world = crowd(10, "prefetch = 1")
    settled(world)
    fetched = world.receipts(kind="prefetched")
    assert sorted(
        (fact["what"], fact.get("link")) for fact in fetched if fact["recipient"] == "p3@only.example"
    ) == [
        ("click", 0),
        ("click", 1),
        ("unsubscribe", None),
    ]
    assert len(tracker.paths("GET")) == len(fetched) == 30
    assert not [path for path in tracker.paths("GET") if path.startswith("/o/")]
    assert tracker.paths("POST") == []
    assert world.receipts(kind="unsubscribed") == []


def test_what_fails_is_done_again_and_is_a_receipt_once(crowd, tracker):
    tracker.failures = 15
    world = crowd(10, "open = 1")
    settled(world)
    assert tracker.failures == 0
    assert len(world.receipts(kind="opened")) == len(tracker.requests) >= 10


def test_a_run_is_repeated_by_its_seed_and_not_by_another(crowd):
    def run(**variables):
        world = crowd(80, "open = 0.5, click = 0.2, unsubscribe = 0.1, prefetch = 0.1", **variables)
        settled(world)
        facts = world.receipts()
        return sorted((f["kind"], f["recipient"], f.get("link") or 0, f.get("ip") or "") for f in facts)

    first = run()
    assert run() == first
    assert run(seed="another") != first


def test_nobody_reads_a_mail_that_comes_back(crowd):
    world = crowd(10, "open = 1", "dsn = 1")
    settled(world)
    assert world.receipts(kind="opened") == []
    assert len(world.receipts(kind="dsn_sent")) == 10


def test_an_address_off_this_machine_is_not_called(start, rules):
    world = start(rules=rules("people = { open = 1 }"), time_scale=FAST)
    world.deliver("p@only.example", mail("p@only.example", "http://tracking.example"))
    wait_for(lambda: world.call("GET", "/progress")[1]["given_up"])
    assert world.receipts(kind="opened") == []
    assert "is not a loopback address" in world.stop()


def test_delays_shrink_with_the_scale(start, rules):
    world = start(rules=rules("people = { open = 1 }"), time_scale=1)
    for person in range(20):
        world.deliver(f"p{person}@only.example")
    progress = world.call("GET", "/progress")[1]
    assert progress["pending_actions"] >= 20
    assert progress["counts"]["opened"] == 0
