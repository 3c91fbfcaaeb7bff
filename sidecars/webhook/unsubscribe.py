"""/u/<token>: POST unsubscribes; GET shows a button and changes nothing, as scanners open every link.

A mailbox provider POSTs `List-Unsubscribe=One-Click` without a cookie, a referrer or a person (RFC 8058
section 3.2); the page's button POSTs a form of the same address. The token is the permission for both.
Neither asks MySQL or Redis, so that people can leave while those are down.
"""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sidecars import names, streams
from sidecars.mail.tokens import open_token
from sidecars.settings import settings
from sidecars.telemetry import EVENTS
from sidecars.webhook import pages
from sidecars.webhook.publisher import KafkaDown, publish
from sidecars.webhook.visit import visit

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get(f"{names.PATH_UNSUBSCRIBE}/<token>")
def ask(token: str) -> ResponseReturnValue:
    """The page with the button."""
    if open_token(token, settings.token_secret.get_secret_value()) is None:
        return pages.error(404)
    return pages.page("unsubscribe.html")


@blueprint.post(f"{names.PATH_UNSUBSCRIBE}/<token>")
def unsubscribe(token: str) -> ResponseReturnValue:
    """200 when the wish is on disk, however often it comes; 503, and nothing done, while Kafka is down."""
    message_id = open_token(token, settings.token_secret.get_secret_value())
    if message_id is None:
        return pages.error(404)
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    event = visit(message_id) | {
        "type": "unsubscribe",
        "method": "one-click" if one_click else "page",
        "link_index": None,
    }
    try:
        publish(names.TOPIC_CLICKS, streams.ndjson([event]))
    except KafkaDown:
        return pages.error(503)
    EVENTS.labels("unsubscribe").inc()
    return pages.page("unsubscribed.html")
