"""GET /c/<token>/<n>, a followed link, and GET /o/<token>.gif, an opened mail.

A target is never the request's own word: there is no open redirect. That of a broadcast's link comes from
MySQL by the mail's variant and the link's index; that of a submitted mail's stands in the link, sealed.
"""

from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from flask import Blueprint, Response, redirect
from flask.typing import ResponseReturnValue
from peewee import PeeweeException
from redis import RedisError

from sidecars import names
from sidecars.archive.parts import DamagedPart
from sidecars.edge.messages import resolve
from sidecars.mail.sealed_links import open_link
from sidecars.mail.tokens import open_token
from sidecars.settings import settings
from sidecars.telemetry import EVENTS
from sidecars.webhook import pages
from sidecars.webhook.publisher import note
from sidecars.webhook.targets import target
from sidecars.webhook.visit import visit

# One transparent pixel, the smallest GIF that every client draws.
PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)
NO_STORE = {"Cache-Control": "no-store, private", "Pragma": "no-cache", "X-Robots-Tag": "noindex"}

blueprint = Blueprint("tracking", __name__)


@blueprint.get(f"{names.PATH_CLICK}/<token>/<index>")
def follow_link(token: str, index: str) -> ResponseReturnValue:
    """302 to the link's target; 404 with a page that says why, 503 while the target cannot be looked up."""
    message_id = open_token(token, settings.token_secret.get_secret_value())
    if message_id is None or not index.isdecimal():
        return pages.error(404)
    try:
        whose = resolve([message_id]).get(message_id)
        url = target(message_id, whose, int(index)) if whose else None
    except (RedisError, PeeweeException, BotoCoreError, ClientError, DamagedPart):
        return pages.error(503)
    if url is None:
        return pages.error(404)
    return _followed(message_id, int(index), url)


@blueprint.get(f"{names.PATH_CLICK}/<token>/<index>/<sealed>", merge_slashes=False)
def follow_sealed_link(token: str, index: str, sealed: str) -> ResponseReturnValue:
    """302 to the target in the link, 404 where that is not as the edge wrote it. Asks no service."""
    secret = settings.token_secret.get_secret_value()
    message_id = open_token(token, secret)
    if message_id is None or not index.isdecimal():
        return pages.error(404)
    url = open_link(message_id, int(index), sealed, secret)
    if url is None:
        return pages.error(404)
    return _followed(message_id, int(index), url, url=url)


def _followed(message_id: UUID, index: int, target: str, **known: str) -> ResponseReturnValue:
    click = visit(message_id) | {"type": "click", "method": "click", "link_index": index} | known
    note(names.TOPIC_CLICKS, click)
    EVENTS.labels("click").inc()
    return redirect(target), NO_STORE


@blueprint.get(f"{names.PATH_OPEN}/<token>.gif")
def open_mail(token: str) -> Response:
    """The pixel, whatever the token: a broken image would say more than it should."""
    message_id = open_token(token, settings.token_secret.get_secret_value())
    if message_id is not None:
        note(names.TOPIC_OPENS, visit(message_id))
        EVENTS.labels("open").inc()
    return Response(PIXEL, mimetype="image/gif", headers=NO_STORE)
