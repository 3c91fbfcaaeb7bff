"""/s/<token>: somebody confirms that they want a list's mail (double opt-in).

GET shows a button and changes nothing, as scanners open every link; POST confirms, however often it comes.
The token is the permission: it stands in a mail to the address and nowhere else. Both need MySQL.
"""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from peewee import PeeweeException

from sidecars import names
from sidecars.audiences import confirming
from sidecars.audiences.confirming import Asked
from sidecars.models.audiences import SUBSCRIBED
from sidecars.webhook import pages
from sidecars.webhook.visit import LONGEST_VALUE

blueprint = Blueprint("confirm", __name__)


@blueprint.get(f"{names.PATH_CONFIRM}/<token>")
def ask(token: str) -> ResponseReturnValue:
    """The page with the button; what stands, where nothing is left to confirm."""
    message_id = pages.opened(token)
    if message_id is None:
        return pages.error(404)
    try:
        return _page(confirming.asked(message_id))
    except PeeweeException:
        return pages.error(503)


@blueprint.post(f"{names.PATH_CONFIRM}/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Subscribes, and says so. 503, and nothing done, while MySQL is down."""
    message_id = pages.opened(token)
    if message_id is None:
        return pages.error(404)
    user_agent = request.headers.get("user-agent", "")[:LONGEST_VALUE]
    try:
        return _page(confirming.confirm(message_id, request.remote_addr or "", user_agent))
    except PeeweeException:
        return pages.error(503)


def _page(found: Asked | None) -> ResponseReturnValue:
    if found is None:
        return pages.error(404)
    if found.is_over:
        return pages.page("message.html", 410, words="over")
    return pages.page("confirmed.html" if found.status == SUBSCRIBED else "confirm.html", found=found)
