"""A new user's first hour: from signing up to the webhook of a delivered mail. README.md tells how to run it.

Uses what README.md and /docs tell, and nothing of the project's own code beside the client.
"""

import argparse
import email
import email.policy
import json
import re
import smtplib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any

import requests
from kibamail import Kibamail, KibamailError
from standardwebhooks import Webhook, WebhookVerificationError

PATIENCE_SECONDS = 90
PASSWORD = "an hour with a kettle on"
CSV = "E-Mail;First name;City\nada@penpal.example;Ada;London\ngrace@penpal.example;Grace;New York\n"


def main() -> None:
    """Every step in order; raises at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", default="http://127.0.0.1:28080")
    parser.add_argument("--simulator", required=True, help="where `./kiba run` shows mails, as received")
    parser.add_argument("--smtp-port", type=int, default=22587)
    options = parser.parse_args()

    name = token_hex(4)
    session = sign_up(options.api, options.simulator, f"owner.{name}@penpal.example")
    key = session.create_key({"name": "first hour"})["secret"]
    print("Signed up, logged in, made a key")

    client = Kibamail(api_key=key, base_url=options.api)
    domain = f"news.{name}.example"
    add_domain(client, options.simulator, domain)
    print(f"Verified {domain}")
    told = receiver(client)
    broadcast(client, domain)

    mail = {"from": f"Shop <orders@{domain}>", "subject": "Your order", "text": "It is on its way."}
    client.send_email({**mail, "to": [f"python.{name}@penpal.example"]}, idempotency_key=f"python-{name}")
    by_typescript(options.api, key, domain, f"typescript.{name}@penpal.example")
    by_smtp(client, options.smtp_port, key, domain, f"smtp.{name}@penpal.example")
    for way in ("python", "typescript", "smtp"):
        to = f"{way}.{name}@penpal.example"
        wait_for(lambda to=to: to in told)
        print(f"Told by webhook: delivered to {to}")


def sign_up(api: str, simulator: str, address: str) -> Kibamail:
    """A client that acts as a new person, whose address is confirmed by the mail that came."""
    nobody = Kibamail(api_key="none", base_url=api)
    nobody.sign_up({"email": address, "name": "Ola", "password": PASSWORD, "team_name": "The Hour"})
    token = wait_for(lambda: confirmation(simulator, address))
    nobody.confirm_address({"token": token})
    session = nobody.log_in({"email": address, "password": PASSWORD})
    return Kibamail(api_key=session["token"], base_url=api)


def confirmation(simulator: str, address: str) -> str | None:
    """The secret in the mail to that address, once it is there."""
    after = 0
    while after is not None:
        page = requests.get(f"{simulator}/mails", params={"after": after}, timeout=10).json()
        for mail in page["mails"]:
            if address in json.dumps(mail):
                raw = requests.get(f"{simulator}/mails/{mail['id']}/raw", timeout=10).content
                text = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
                return re.search(r"kbt_[\w-]+", text.get_content())[0]
        after = page["next"]
    return None


def add_domain(client: Kibamail, simulator: str, name: str) -> None:
    """Its records go into the simulator's DNS, as you would put them into yours."""
    domain = client.create_domain({"name": name})
    for record in domain["records"]:
        published = {part: record[part] for part in ("name", "type", "value")}
        requests.post(f"{simulator}/dns/records", json=published, timeout=10).raise_for_status()
    verified = client.verify_domain(domain["id"])
    assert verified["domain"]["state"] == "verified", verified


def broadcast(client: Kibamail, domain: str) -> None:
    """A CSV, a segment of it, a broadcast to that, and its report."""
    audience = client.create_audience({"name": "Readers"})["id"]
    started = client.start_import(audience, {}, {"file": ("readers.csv", CSV, "text/csv")})
    wait_for(lambda: client.get_import(started["id"])["state"] == "finished")
    city = next(kept["name"] for kept in client.list_properties(audience)["data"])
    londoners = {"all": [{"property": city, "op": "equals", "value": "London"}]}
    segment = client.create_segment(audience, {"name": "Londoners", "filter": londoners})
    sender = client.create_sender({"name": "The Hour", "address": f"hello@{domain}"})
    draft = client.create_broadcast(
        {
            "name": "First letter",
            "audience_id": audience,
            "segment_id": segment["id"],
            "sender_id": sender["id"],
            "subject": "Hello, {{ contact.first_name }}",
            "body": '<p>The kettle is on. <a href="{{ unsubscribe_url }}">Leave</a></p>',
        }
    )
    client.publish_broadcast(draft["id"])
    report = wait_for(lambda: (found := client.get_report(draft["id"]))["delivered"] and found)
    assert report["planned_total"] == 1, report
    print(f"Imported 2 contacts; to “{segment['description']}” the broadcast was delivered")


def by_typescript(api: str, key: str, domain: str, to: str) -> None:
    """Runs send.ts, by Node 22.18 or later, which reads TypeScript as it is."""
    script = Path(__file__).with_name("send.ts")
    subprocess.run(("node", str(script), api, key, f"Shop <orders@{domain}>", to), check=True)


def by_smtp(client: Kibamail, port: int, key: str, domain: str, to: str) -> None:
    """The user is the team's id, the password the key."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Shop <orders@{domain}>", to, "Your order"
    message.set_content("It is on its way.")
    context = ssl.create_default_context()
    # A developer's machine has a certificate of its own.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as server:
        server.starttls(context=context)
        server.login(client.get_team()["id"], key)
        server.send_message(message)


def receiver(client: Kibamail) -> set[str]:
    """Recipients told as delivered, by signed requests to a server of this script’s."""
    told: set[str] = set()
    verifier: list[Webhook] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Takes what is signed with our secret."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                event: Any = verifier[0].verify(body, {k.lower(): v for k, v in self.headers.items()})
            except (IndexError, WebhookVerificationError):
                self.send_response(401)
            else:
                told.add(event["data"].get("recipient", ""))
                self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/kibamail"
    made = client.create_webhook({"url": url, "events": ["email.delivered"]})
    verifier.append(Webhook(made["secret"]))
    return told


def wait_for(condition: Callable[[], Any]) -> Any:
    """Its first true value. Raises TimeoutError after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError("It did not come true.")
        time.sleep(0.2)
    return value


if __name__ == "__main__":
    try:
        main()
    except KibamailError as error:
        sys.exit(f"{error} {json.dumps(error.problem)}")
