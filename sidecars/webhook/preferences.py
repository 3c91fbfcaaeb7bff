"""/p/<token>: which of a team's lists a person is on, a break, or no more mail from any of them.

GET changes nothing. POST says how all that the page showed is to be, so sending it again changes nothing
more; the token is the permission, and nothing that another site could send along is looked at. It needs
MySQL. Without it the page offers what works nevertheless: leaving the list that the mail came from.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from peewee import PeeweeException

from sidecars import names
from sidecars.audiences import preferences
from sidecars.audiences.preferences import Preferences, Wish
from sidecars.telemetry import EVENTS
from sidecars.webhook import pages
from sidecars.webhook.publisher import note
from sidecars.webhook.visit import visit

AWAY = (PeeweeException, BotoCoreError, ClientError)
BREAKS = {
    "break_week": timedelta(days=7),
    "break_month": timedelta(days=30),
    "break_quarter": timedelta(days=91),
}
# A page may lie open over midnight, and further east.
LONGEST_BREAK = max(BREAKS.values()) + timedelta(days=2)
AS_USUAL, NEVER = "none", "forever"

blueprint = Blueprint("preferences", __name__)


@blueprint.get(f"{names.PATH_PREFERENCES}/<token>")
def show(token: str) -> ResponseReturnValue:
    """What stands, as a form."""
    message_id = pages.opened(token)
    if message_id is None:
        return pages.error(404)
    try:
        return _page(preferences.of_mail(message_id))
    except AWAY:
        return _without_choices()


@blueprint.post(f"{names.PATH_PREFERENCES}/<token>")
def save(token: str) -> ResponseReturnValue:
    """Makes it as the form says, and shows what stands then. 503, and nothing done, while MySQL is down."""
    message_id = pages.opened(token)
    if message_id is None:
        return pages.error(404)
    try:
        wish = _wish()
    except ValueError:
        return pages.error(400)
    event = visit(message_id) | {
        "type": "unsubscribe",
        "method": names.METHOD_PREFERENCES,
        "link_index": None,
    }
    try:
        before = preferences.of_mail(message_id)
        if before is None:
            return pages.error(404)
        preferences.save(before, wish, event["event_id"], event["ip"], event["user_agent"])
        after = preferences.of_mail(message_id)
    except AWAY:
        return _without_choices()
    if before.stays and after and not after.stays:
        note(names.TOPIC_CLICKS, event)
        EVENTS.labels("unsubscribe").inc()
    return _page(after, is_saved=True)


def _page(found: Preferences | None, is_saved: bool = False) -> ResponseReturnValue:
    if found is None:
        return pages.error(404)
    return pages.page("preferences.html", found=found, is_saved=is_saved, **_moments(found))


def _moments(found: Preferences) -> dict[str, Any]:
    """`breaks`, the words and days that are offered, that chosen before among them, and what is `chosen`."""
    breaks = {words: _today() + length for words, length in BREAKS.items()}
    chosen = NEVER if found.has_left else AS_USUAL
    if found.paused_until:
        until = found.paused_until.date()
        chosen = until.isoformat()
        if until not in breaks.values():
            breaks = {"break_on": until} | breaks
    return {"breaks": breaks, "chosen": chosen}


def _wish() -> Wish:
    """What the form says. Raises ValueError for what the page never sends."""
    form = request.form
    kept, shown = ({int(id_) for id_ in form.getlist(name)} for name in ("keep", "shown"))
    when = form.get("when")
    until = date.fromisoformat(when) if when not in (None, AS_USUAL, NEVER) else None
    if until and until > _today() + LONGEST_BREAK:
        raise ValueError("a longer break than any that is offered")
    is_over = until is not None and until <= _today()
    return Wish(
        shown=shown,
        kept=kept,
        says_when=when is not None,
        leaves=when == NEVER,
        pauses_until=None if is_over else until,
    )


def _without_choices() -> ResponseReturnValue:
    return pages.come_again(pages.page("no_choices.html", 503))


def _today() -> date:
    return datetime.now(UTC).date()
