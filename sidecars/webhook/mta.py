"""POST /mta/events: an edge's events, signed, in batches of NDJSON.

A batch is taken whole or not at all: 2xx means that Kafka has every event on disk (acks=all), and only then
does the edge forget them. A batch sent again is harmless, as each event has an id of its own.
"""

import hmac
import time

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from sidecars import names
from sidecars.settings import settings
from sidecars.streams import EVENTS_A_RECORD
from sidecars.telemetry import EVENTS, STAGE_SECONDS
from sidecars.webhook import room
from sidecars.webhook.at_once import unsubscribe_by_mail_soon
from sidecars.webhook.mta_event import problem
from sidecars.webhook.publisher import KafkaDown, publish

WINDOW_SECONDS = 300

blueprint = Blueprint("mta", __name__, url_prefix="/mta")


@blueprint.post(names.PATH_MTA_EVENTS.removeprefix("/mta"))
def take_events() -> ResponseReturnValue:
    """200 `{"accepted": n}`; 400 names the line, 401 the flaw in the signature; 503: send it again later."""
    with STAGE_SECONDS.labels("report").time():
        body = _body()
        flaw = signature_flaw(
            body, request.headers.get(names.HEADER_TIMESTAMP), request.headers.get(names.HEADER_SIGNATURE)
        )
        if flaw:
            return {"message": flaw}, 401
        if not room.is_there():
            return _later("The enricher is far behind. Send it again in a second.")

        record = body.strip()
        lines = record.split(b"\n")
        if len(lines) > EVENTS_A_RECORD:
            return {"message": f"{len(lines)} events. Send at most {EVENTS_A_RECORD} in a batch."}, 400
        for number, line in enumerate(lines, start=1):
            wrong = problem(line)
            if wrong:
                return {"message": f"line {number}: {wrong}", "line": number}, 400

        try:
            publish(names.TOPIC_STATUSES, record)
        except KafkaDown as error:
            return _later(str(error))
        unsubscribe_by_mail_soon(lines)
        EVENTS.labels("mta").inc(len(lines))
        return {"accepted": len(lines)}


def _later(why: str) -> ResponseReturnValue:
    return {"message": why}, 503, {"Retry-After": "1"}


def _body() -> bytes:
    """What was posted, in one read: to copy megabytes piece by piece costs as much as to validate them."""
    if request.content_length is None:
        return request.get_data(cache=False)
    if request.content_length > (request.max_content_length or 0):
        raise RequestEntityTooLarge
    body: bytes = request.environ["wsgi.input"].read(request.content_length)
    return body


def sign(body: bytes, timestamp: int, secret: str) -> str:
    """`v1=` and the hex HMAC-SHA256 of `timestamp.body`; the timestamp is in seconds since 1970."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.digest(secret.encode(), signed, "sha256").hex()


def signature_flaw(body: bytes, timestamp: str | None, signature: str | None) -> str | None:
    """Why the batch is not believed; None where it is an edge's and at most five minutes old."""
    if not timestamp or not timestamp.isascii() or not timestamp.isdecimal() or not signature:
        return f"{names.HEADER_TIMESTAMP} (unix seconds) and {names.HEADER_SIGNATURE} are required."
    if abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        return (
            f"{names.HEADER_TIMESTAMP} is more than {WINDOW_SECONDS} s from this server's time. "
            "Check the clocks of both, and sign each try anew."
        )
    expected = sign(body, int(timestamp), settings.webhook_secret.get_secret_value())
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        return "The signature does not fit the body. WEBHOOK_SECRET must be the same here and at the edge."
    return None
