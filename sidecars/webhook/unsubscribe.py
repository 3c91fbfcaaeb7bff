"""/u/<token>: POST unsubscribes; GET shows a button and changes nothing, as scanners open every link.

A mailbox provider POSTs `List-Unsubscribe=One-Click` without a cookie, a referrer or a person (RFC 8058
section 3.2); the page's button POSTs a form of the same address. The token is the permission for both.
Neither waits for MySQL or Redis, so that people can leave while those are down.
"""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sidecars import names, streams
from sidecars.telemetry import EVENTS
from sidecars.webhook import pages
from sidecars.webhook.at_once import unsubscribe_soon
from sidecars.webhook.publisher import KafkaDown, publish
from sidecars.webhook.visit import visit

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get(f"{names.PATH_UNSUBSCRIBE}/<token>")
def ask(token: str) -> ResponseReturnValue:
    """The page with the button."""
    if pages.opened(token) is None:
        return pages.error(404)
    return pages.page("unsubscribe.html")


@blueprint.post(f"{names.PATH_UNSUBSCRIBE}/<token>")
def unsubscribe(token: str) -> ResponseReturnValue:
    """200 when the wish is on disk, however often it comes; 503, and nothing done, while Kafka is down."""
    message_id = pages.opened(token)
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
    unsubscribe_soon(event)
    EVENTS.labels("unsubscribe").inc()
    return pages.page("unsubscribed.html")
