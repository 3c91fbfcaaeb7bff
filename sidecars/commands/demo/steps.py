"""The steps of the demonstration, each safe to repeat: what is remembered is not made again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import requests

from infra.local.config import REPOSITORY
from sidecars.accounts import keys, passwords, people
from sidecars.commands.demo.api import Api
from sidecars.commands.demo.memory import Memory
from sidecars.models import Membership, Team, User, database, now
from sidecars.settings import settings

CONTACTS = REPOSITORY / "demo" / "contacts.csv"
NEWSLETTER = REPOSITORY / "demo" / "newsletter.mjml"

TEAM = "The Kettle"
DOMAIN = "news.thekettle.example"
OWNER = "ola@bigmail.example"
SUBJECT = "{{ contact.first_name | default: 'Friends' }}, the kettle is on"
PREHEADER = "Three teas, one recipe, and a letter from the hills."

Watch = Callable[[int, int], None]  # told how many are done, and of how many


def sign_in(memory: Memory, api_base: str) -> Api:
    """The demo team and its API key: what a sign-up page will do, done here by the operator's command."""
    with database.connection_context():
        if "api_key" not in memory.facts:
            team = Team.get_or_none(Team.name == TEAM) or Team.create(name=TEAM)
            memory.keep("team_id", team.id)
            memory.keep("api_key", keys.make(team.id, "demo").secret)
        memory.keep("person", OWNER)
        password = memory.once("password", lambda: token_urlsafe(12))
        _see_to_owner(memory.facts["team_id"], password)
    return Api(api_base, memory.facts["api_key"])


def _see_to_owner(team_id: int, password: str) -> None:
    """Somebody who logs in, and is told by mail when something happens; the simulator receives it."""
    owner = User.get_or_none(User.email == OWNER) or people.create_verified(OWNER, "Ola Kettle", password)
    if owner.password_hash is None:  # made before people could log in
        set_up = {User.password_hash: passwords.hashed(password), User.email_verified_at: now()}
        User.update(set_up).where(User.id == owner.id).execute()
    if not Membership.get_or_none(Membership.team == team_id, Membership.user == owner):
        Membership.create(team=team_id, user=owner, role="ADMINISTRATOR")


def verify_domain(memory: Memory, api: Api, simulator: str) -> None:
    """Creates the sending domain, publishes its records in the simulator's DNS, has them checked."""
    domain = memory.once("domain", lambda: api.post("/domains", {"name": DOMAIN}))
    for record in domain["records"]:
        published = {key: record[key] for key in ("name", "type", "value")}
        requests.post(f"{simulator}/dns/records", json=published, timeout=10).raise_for_status()
    api.post(f"/domains/{domain['id']}/verify")
    memory.once(
        "sender_id",
        lambda: api.post("/senders", {"name": TEAM, "address": f"hello@{DOMAIN}"})["id"],
    )


def import_contacts(memory: Memory, api: Api, contacts: Path, watch: Watch) -> dict[str, Any]:
    """Sends the CSV through the import; returns its last report."""
    readers = {
        "name": "Readers",
        "public_name": "The Kettle’s letter",
        "description": "When the kettle is on.",
    }
    audience = memory.once("audience_id", lambda: api.post("/audiences", readers)["id"])
    if "import_id" not in memory.facts:
        with contacts.open("rb") as file:
            upload = {"file": (contacts.name, file, "text/csv")}
            memory.keep("import_id", api.post(f"/audiences/{audience}/imports", files=upload)["id"])
    for report in _polled(api, f"/imports/{memory.facts['import_id']}"):
        watch(report["rows_done"], report["rows_total"] or 0)
        if report["state"] in ("finished", "failed"):
            return report
    raise AssertionError("polling ends by return")


def publish_newsletter(memory: Memory, api: Api) -> str:
    """Writes, validates and publishes the newsletter; returns the broadcast's id."""
    draft = memory.once(
        "broadcast_id",
        lambda: api.post(
            "/broadcasts",
            {
                "name": "The kettle is on",
                "audience_id": memory.facts["audience_id"],
                "sender_id": memory.facts["sender_id"],
                "subject": SUBJECT,
                "preheader": PREHEADER,
                "kind": "mjml",
                "body": _newsletter(),
            },
        )["id"],
    )
    if api.get(f"/broadcasts/{draft}")["state"] == "draft":
        api.post(f"/broadcasts/{draft}/publish")
    return str(draft)


def _newsletter() -> str:
    # Its pictures stand at an address of the letter's own; here the webhook process has them.
    source = NEWSLETTER.read_text(encoding="utf-8")
    return source.replace("https://assets.thekettle.example", f"{settings.tracking_url}/assets")


def watch_sending(api: Api, broadcast_id: str, watch: Watch) -> None:
    """Returns when every recipient was handed over to the edge, or skipped with a reason."""
    for progress in _polled(api, f"/broadcasts/{broadcast_id}/progress"):
        watch(progress["handed_over"], progress["total"])
        if progress["state"] not in ("planning", "sending"):
            return


def _polled(api: Api, path: str, pause: float = 0.2) -> Iterator[dict[str, Any]]:
    while True:
        yield api.get(path)
        time.sleep(pause)
