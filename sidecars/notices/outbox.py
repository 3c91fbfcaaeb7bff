"""What a team's people are to be told, written down in the transaction in which it happens.

The fan-out mails it (`mailing.py`). Whoever tells of something new adds `templates/<kind>.txt`.
"""

import logging
from typing import Any

from sidecars.models import Notice
from sidecars.notices import words

log = logging.getLogger(__name__)


def tell(team_id: int, kind: str, about: str, occurrence: str, **facts: Any) -> None:
    """Writes the notice once, however often this is called: for a kind, what it is about, and which time.

    `about` is a thing with its id (`domain:3`), `occurrence` tells this time from another (since when it is
    so). `facts` are what the kind's template asks for. Raises jinja2.UndefinedError where one is missing.
    """
    subject, text = words.written(kind, facts)
    Notice.insert(
        team=team_id, kind=kind, about=about, occurrence=occurrence, subject=subject, text=text
    ).on_conflict(preserve=[Notice.kind]).execute()  # not IGNORE, which would swallow every other error too
    log.info("a team is to be told", extra={"team_id": team_id, "kind": kind, "about": about})


def page(team_id: int, after: int, limit: int) -> list[Notice]:
    """The team's notices in the order they came, beyond id `after`."""
    mine = Notice.select().where(Notice.team == team_id, Notice.id > after)
    return list(mine.order_by(Notice.id).limit(limit))
