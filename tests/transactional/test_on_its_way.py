"""A mail from POST /v1/emails to its recipients, and all that is told of it."""

import email
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from email import policy
from uuid import UUID, uuid4

import requests

from infra.local.ports import is_free
from tests.support import wait_for

LOGO = b"\x89PNG and more"


def states(app, email_id):
    answer = app("GET", f"/emails/{email_id}")
    assert answer.status_code == 200, answer.text
    return {each["recipient"]: each["state"] for each in answer.json()["messages"]}


def somebody(outcome="accept"):
    return f"{outcome}.{uuid4().hex[:12]}@outcome.example"


def test_each_recipient_gets_one_copy_and_its_story_is_told(app, received, raw):
    to, cc, bcc, gone = somebody(), somebody(), somebody(), somebody("unknown_user")
    answer = app.send(
        [f"Ada <{to}>", gone],
        cc=cc,
        bcc=bcc,
        subject="Grüße ☕",
        html='<p>Look <a href="https://acme.example/?a=1&amp;b=2">here</a> <img src="cid:logo"></p>',
        text=None,
        headers={"X-Order": "17", "References": "<before@acme.example>"},
        attachments=[
            {"filename": "rechnung.pdf", "content": b64encode(b"%PDF" * 100).decode()},
            {"filename": "logo.png", "content": b64encode(LOGO).decode(), "content_id": "logo"},
        ],
        reply_to="help@acme.example",
        tags=["welcome", "spring"],
        metadata={"order": 17, "gift": True},
        track_clicks=True,
        track_opens=True,
    )
    assert answer.status_code == 202, answer.text
    copies = {copy["to"]: copy for copy in answer.json()["messages"]}
    assert [copies[each]["kind"] for each in (to, gone, cc, bcc)] == ["to", "to", "cc", "bcc"]
    expected = {to: "delivered", cc: "delivered", bcc: "delivered", gone: "bounced"}
    wait_for(lambda: states(app, answer.json()["id"]) == expected)
    for copy in copies.values():
        taken = received(copy["to"]) if copy["to"] != gone else {UUID(copy["id"][4:]): 1}
        assert dict(taken) == {UUID(copy["id"][4:]): 1}

    mail = email.message_from_bytes(raw(copies[bcc]["id"]), policy=policy.default)
    assert mail["Subject"] == "Grüße ☕"
    assert [each.addr_spec for each in mail["To"].addresses] == [to, gone]
    assert (mail["Cc"], mail["Reply-To"], mail["Bcc"]) == (cc, "help@acme.example", None)
    assert (mail["X-Order"], mail["References"]) == ("17", "<before@acme.example>")
    assert "DKIM-Signature" in mail
    assert {part.get_filename(): part.get_content() for part in mail.walk() if part.get_filename()} == {
        "rechnung.pdf": b"%PDF" * 100,
        "logo.png": LOGO,
    }
    assert "Look here <https://acme.example/?a=1&b=2>" in mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    link = page.partition('href="')[2].partition('"')[0]
    followed = requests.get(link, allow_redirects=False, timeout=20)
    assert (followed.status_code, followed.headers["Location"]) == (302, "https://acme.example/?a=1&b=2")

    def story():
        found = app("GET", f"/emails/{answer.json()['id']}").json()
        by_recipient = {each["recipient"]: each for each in found["messages"]}
        kinds = {
            address: [event["type"] for event in by_recipient[address]["timeline"]] for address in expected
        }
        return found if "click" in kinds[bcc] and "bounced" in kinds[gone] else None

    found = wait_for(story)
    assert (found["tags"], found["metadata"]) == (["welcome", "spring"], {"order": "17", "gift": "true"})
    events = next(each for each in found["messages"] if each["recipient"] == gone)["timeline"]
    bounce = next(event for event in events if event["type"] == "bounced")
    assert (bounce["tag"], bounce["metadata"]) == ("welcome", {"order": "17", "gift": "true"})
    assert "rcpt" in [step for step, *_ in bounce["conversation"]]

    def listed(**query):
        rows = app("GET", "/emails", params=query).json()["data"]
        return [row["to"] for row in rows]

    assert set(listed()) == set(expected)
    assert listed(tag="spring", state="bounced") == listed(to=gone) == [gone]
    assert listed(tag="spring", limit=2) == listed(limit=2)
    assert listed(stream="broadcast") == listed(tag="none") == []


def test_a_suppressed_recipient_is_skipped_and_a_broadcast_stream_keeps_to_its_own_list(app, team, received):
    from sidecars.deliverability.suppressions import suppress

    gone, other = somebody(), somebody()
    suppress(team.id, gone, "manual", stream="broadcast")
    both = app.send([gone, other], stream="broadcast").json()
    alone = app.send(gone).json()
    wait_for(lambda: states(app, both["id"]) == {gone: "skipped", other: "delivered"})
    wait_for(lambda: states(app, alone["id"]) == {gone: "delivered"})
    assert sum(received(gone).values()) == sum(received(other).values()) == 1


def test_who_asks_at_the_same_time_with_one_key_hears_one_answer_and_sends_one_mail(app, received):
    key, to = str(uuid4()), somebody()
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: app.send(to, key), range(30)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    wait_for(lambda: states(app, answers[0].json()["id"]) == {to: "delivered"})
    assert sum(received(to).values()) == 1
    assert app.send(somebody(), key).status_code == 422


def test_what_waits_is_cancelled_or_sent_at_another_moment(app, received):
    later = "2999-01-01T00:00:00Z"
    assert app.send(somebody(), send_at=later).status_code == 422
    from datetime import timedelta

    from sidecars.models import now

    soon = (now() + timedelta(hours=5)).isoformat()
    cancelled, moved = somebody(), somebody()
    first = app.send(cancelled, send_at=soon).json()["id"]
    second = app.send(moved, send_at=soon).json()["id"]
    assert states(app, first) == {cancelled: "planned"}
    assert app("POST", f"/emails/{first}/cancel").json()["messages"][0]["state"] == "cancelled"
    assert app("PATCH", f"/emails/{second}", json={"send_at": now().isoformat()}).status_code == 200
    wait_for(lambda: states(app, second) == {moved: "delivered"})
    for gone, word in ((first, "cancelled"), (second, "sent")):
        again = app("POST", f"/emails/{gone}/cancel")
        assert (again.status_code, again.json()["state"]) == (409, word)
        assert app("PATCH", f"/emails/{gone}", json={"send_at": soon}).status_code == 409
    assert (sum(received(cancelled).values()), sum(received(moved).values())) == (0, 1)


def test_of_a_batch_the_good_mails_go_and_the_bad_ones_say_why(app, received):
    good, large = somebody(), somebody()
    body = {"from": app.sender, "subject": "One of many", "text": "x"}
    batch = [
        body | {"to": good},
        body | {"to": "nobody"},
        body | {"to": good, "from": "x@bank.example"},
        body | {"to": large, "attachments": [{"filename": "a.bin", "content": "A" * 600_000}]},
    ]
    answer = app("POST", "/emails/batch", json={"emails": batch})
    assert answer.status_code == 202, answer.text
    results = answer.json()["data"]
    assert ["id" in result for result in results] == [True, False, False, True]
    assert [error["field"] for result in results[1:3] for error in result["errors"]] == ["to", "from"]
    wait_for(lambda: states(app, results[0]["id"]) == {good: "delivered"})
    wait_for(lambda: states(app, results[3]["id"]) == {large: "delivered"})
    none = app("POST", "/emails/batch", json={"emails": batch[1:3]})
    assert none.status_code == 422
    assert [error["field"] for error in none.json()["errors"]] == ["emails.0.to", "emails.1.from"]


def test_a_template_is_filled_in_with_variables(app, raw):
    template = app(
        "POST",
        "/templates",
        json={
            "name": "Order",
            "subject": "Order {{ contact.properties.order }}",
            "body": "<p>{{ contact.first_name }}: {{ contact.properties.what }}</p>",
        },
    ).json()["id"]
    variables = {"first_name": "Ada", "order": 17, "what": "<tea>"}
    to = somebody()
    taken = app.send(to, template_id=template, subject=None, text=None, variables=variables)
    assert taken.status_code == 202, taken.text
    wait_for(lambda: states(app, taken.json()["id"]) == {to: "delivered"})
    mail = email.message_from_bytes(raw(taken.json()["messages"][0]["id"]), policy=policy.default)
    assert mail["Subject"] == "Order 17"
    assert "Ada: &lt;tea&gt;" in mail.get_body(("html",)).get_content()
    assert "Ada: <tea>" in mail.get_body(("plain",)).get_content()
    wrong = app.send(to, text=None, mjml="<mjml><mj-body><mj-nonsense></mj-body></mjml>")
    assert wrong.status_code == 422
    plain = app.send(to, html="<p>{{ contact.first_name }}</p>").json()
    wait_for(lambda: states(app, plain["id"]) == {to: "delivered"})
    assert "{{ contact.first_name }}" in raw(plain["messages"][0]["id"]).decode()


def test_whatever_is_killed_each_mail_goes_once(running, app, received):
    """Web and worker die in the midst; the app asks again with the same key till it hears 202."""
    ending = f".{uuid4().hex[:8]}@outcome.example"
    waiting = [(f"accept.{number}{ending}", str(uuid4())) for number in range(100)]
    answers = {}

    def send(one):
        to, key = one
        try:
            answer = app.send(to, key)
        except requests.RequestException:
            return
        if answer.status_code == 202:
            answers[to] = answer.json()["messages"][0]["id"]

    with ThreadPoolExecutor(8) as threads:
        for process in ("web", "fanout"):
            left = [one for one in waiting if one[0] not in answers]
            under_way = [threads.submit(send, one) for one in left]
            sent = len(answers)
            wait_for(
                lambda sent=sent, under_way=under_way: (
                    len(answers) > sent + 20 or all(each.done() for each in under_way)
                )
            )
            running.processes[process].daemon.kill()
            wait_for(lambda process=process: all(map(is_free, running.processes[process].ports)))
            running.start_processes(process)
            for each in under_way:
                each.result()
        while len(answers) < len(waiting):
            list(threads.map(send, [one for one in waiting if one[0] not in answers]))
    wait_for(lambda: len(received(ending)) >= len(waiting))
    wait_for(lambda: all_delivered(app, ending, len(waiting)))
    assert set(received(ending).values()) == {1}
    assert {f"msg_{mail.hex}" for mail in received(ending)} == set(answers.values())


def all_delivered(app, ending, number):
    rows = app("GET", "/emails", params={"limit": 500, "state": "delivered"}).json()["data"]
    return sum(row["to"].endswith(ending) for row in rows) == number
