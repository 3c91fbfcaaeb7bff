"""/v1/emails: transactional mail. docs/emails.md tells what its senders may rely on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import orjson
from flask import Response, request
from pydantic import AliasChoices, Field, SkipValidation, ValidationError

from sidecars.analytics.reports import message_timeline
from sidecars.api.auth import team_id
from sidecars.api.email_bodies import EXAMPLE, NewEmail
from sidecars.api.errors import (
    FieldError,
    Invalid,
    Message,
    Refused,
    WrongStateMessage,
    conflict,
    errors_of,
    invalid,
    not_found,
)
from sidecars.api.ids import EmailId, MessageId
from sidecars.api.reports import MailDetail, State, told
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import (
    Address,
    Answer,
    Body,
    Moment,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.broadcasts import mails
from sidecars.broadcasts.states import SendState
from sidecars.content import versions
from sidecars.content.templates import mail_of
from sidecars.mail.errors import ContentError, Unsendable
from sidecars.mail.letter import Letter
from sidecars.models import Email, Submission, now
from sidecars.transactional import accept, changes, content, may_send, reading
from sidecars.transactional.accept import Key, KeyReused
from sidecars.transactional.may_send import NotVerified, OverLimit, StreamStopped
from sidecars.transactional.wishes import Accepted, Kind, Wish
from sidecars.usage.allowance import OutOfCredits

api = resource("Emails", "Transactional mail.", "emails")

MOST_AT_ONCE = 500
DAYS_AHEAD = 30
MAX_BODY_BYTES = 32 * 1024 * 1024
IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 255
# There where the answer is the first one to the same key.
REPLAYED = "Idempotent-Replayed"
EXAMPLE_TIME = "2026-12-01T09:00:00+01:00"


class EmailPath(Path):
    """Which email."""

    email_id: EmailId


class CopyAnswer(Answer):
    """One recipient's copy."""

    id: MessageId = Field(description="Of `/v1/messages/{id}`, events and reports.")
    to: str
    kind: Literal["to", "cc", "bcc"]


class EmailTaken(Answer):
    """A mail that will be sent. Each recipient has a copy of their own in the ledger."""

    id: EmailId
    messages: list[CopyAnswer]


class EmailRefused(Answer):
    """What was wrong with a mail of a batch; the others are not concerned."""

    message: str
    errors: list[FieldError]


class BatchAnswer(Answer):
    """A result for each mail, in their order."""

    data: list[EmailTaken | EmailRefused]


class NewBatch(Body):
    """Up to 500 mails. Each is taken or refused by itself."""

    model_config = example({"emails": [EXAMPLE]})

    emails: Annotated[list[SkipValidation[NewEmail]], Field(min_length=1, max_length=MOST_AT_ONCE)]


class NewMoment(Body):
    """When it is to go instead."""

    model_config = example({"send_at": EXAMPLE_TIME})

    send_at: Moment = Field(description=f"With its offset, {DAYS_AHEAD} days ahead at most.")


class EmailAnswer(Answer):
    """One recipient's copy, in a list."""

    message_id: MessageId
    email_id: EmailId | None = Field(description="Null where it was not submitted here.")
    source: str = Field(description="api, smtp, test or notice.")
    sender: str = Field(
        validation_alias=AliasChoices("sender", "from"),
        serialization_alias="from",
        description="Of one by SMTP, its domain alone.",
    )
    to: str
    kind: Literal["to", "cc", "bcc"]
    subject: str
    stream: str
    state: State
    created_at: Timestamp


class EmailPage(Answer):
    """Some copies, the latest first."""

    data: list[EmailAnswer]
    next_cursor: str | None


class EmailQuery(PageQuery):
    """Which copies; each further word leaves fewer."""

    to: Address | None = Field(None, description="The recipient's whole address.")
    tag: str | None = Field(None, max_length=100)
    state: State | None = Field(None, description="As it stands now.")
    stream: Literal["transactional", "broadcast"] | None = None
    since: Moment | None = Field(None, description="Taken at this moment or later.")
    until: Moment | None = Field(None, description="Taken before this moment.")


class EmailMessage(MailDetail):
    """One recipient's copy, and what happened to it."""

    kind: Literal["to", "cc", "bcc"]


class EmailDetail(Answer):
    """A mail with its copies: state, and whole timeline with the SMTP conversation of each attempt."""

    id: EmailId
    sender: str = Field(validation_alias=AliasChoices("sender", "from"), serialization_alias="from")
    subject: str
    stream: str
    tags: list[str]
    metadata: dict[str, str]
    send_at: Timestamp | None
    created_at: Timestamp
    messages: list[EmailMessage]


@api.before_request
def allow_attachments() -> None:
    """A mail with files is larger than other bodies."""
    request.max_content_length = MAX_BODY_BYTES


@api.post("/emails", responses={202: EmailTaken, 402: Message, 429: Message})
@needs("emails:send")
def send_email(body: NewEmail) -> Response:
    """Send a mail

    202: it is kept, and goes out at once or at its moment. With the header `Idempotency-Key` it goes once,
    however often this is asked within 24 hours: each time the first answer comes back. 402: the team has not
    so many credits left this month.
    """
    key = _idempotency_key()
    try:
        wish = _wish(body)
        may_send.reserve(team_id(), wish.letter.sender.address, wish.stream, len(wish.recipients))
    except Exception:  # what was taken before has its answer, whatever has changed since
        if key is not None and (first := _first_answer(key)):
            return first
        raise
    ids = accept.identify(wish)
    return _accepted([(wish, ids)], orjson.dumps(_taken(ids)), key)


@api.post("/emails/batch", responses={202: BatchAnswer, 402: Message, 429: Message})
@needs("emails:send")
def send_batch(body: NewBatch) -> Response:
    """Send up to 500 mails

    Each has a result of its own, and a bad one does not keep the others back. 422 where none is good; 402
    where the team has not credits left for all that are, and none is taken.
    The header `Idempotency-Key` holds for the batch as a whole.
    """
    key = _idempotency_key()
    if key is not None and (first := _first_answer(key)):
        return first
    wishes: list[tuple[Wish, Accepted]] = []
    results: list[dict[str, Any]] = []
    refused: list[FieldError] = []
    for number, each in enumerate(body.emails):
        try:
            wish = _wish(_read(each))
            ids = accept.identify(wish)
            may_send.reserve(team_id(), wish.letter.sender.address, wish.stream, len(wish.recipients))
        except (Refused, ContentError, Unsendable, NotVerified, StreamStopped, OverLimit) as error:
            why = _why(error)
            results.append(why.model_dump(include={"message", "errors"}))
            refused += [
                FieldError(field=f"emails.{number}.{one.field}".rstrip("."), message=one.message)
                for one in why.errors
            ]
        else:
            wishes.append((wish, ids))
            results.append(_taken(ids))
    if not wishes:
        raise Refused(422, Invalid(message="None of these mails can be sent.", errors=refused))
    return _accepted(wishes, orjson.dumps({"data": results}), key)


@api.get("/emails", responses={200: EmailPage})
def list_emails(query: EmailQuery) -> Response:
    """List mails of no broadcast

    A row for each recipient, the latest first, however they were submitted: here, by SMTP, as a test.
    """
    wanted = reading.Filter(
        query.to,
        query.tag,
        SendState[query.state.upper()] if query.state else None,
        query.stream,
        query.since,
        query.until,
    )
    rows = reading.page(team_id(), query.cursor, query.limit + 1, wanted)
    return answer(EmailPage(**page(rows, query.limit, lambda row: row.id, _listed)))


@api.get("/emails/<email_id>", responses={200: EmailDetail})
def get_email(path: EmailPath) -> Response:
    """See what became of a mail"""
    return answer(_detail(_own(path)))


@api.patch("/emails/<email_id>", responses={200: EmailDetail})
@needs("emails:send")
def reschedule_email(path: EmailPath, body: NewMoment) -> Response:
    """Send it at another moment

    409: it has gone.
    """
    submission = _own(path)
    _refuse_far(body.send_at)
    try:
        changes.reschedule(submission, body.send_at)
    except changes.Gone as error:
        raise _gone(submission) from error
    return answer(_detail(_own(path)))


@api.post("/emails/<email_id>/cancel", responses={200: EmailDetail})
@needs("emails:send")
def cancel_email(path: EmailPath) -> Response:
    """Do not send it

    Whoever has no copy yet gets none. 409: it has gone.
    """
    submission = _own(path)
    try:
        changes.cancel(submission)
    except changes.Gone as error:
        raise _gone(submission) from error
    return answer(_detail(_own(path)))


@api.errorhandler(NotVerified)
def _not_verified(error: NotVerified) -> Response:
    return answer(_why(error), 422)


@api.errorhandler(StreamStopped)
def _stopped(error: StreamStopped) -> Response:
    return answer(WrongStateMessage(message=str(error), state="stopped"), 409)


@api.errorhandler(OverLimit)
def _over_limit(error: OverLimit) -> Response:
    response = answer(Message(message=str(error)), 429)
    response.headers["Retry-After"] = str(error.seconds)
    return response


def _idempotency_key() -> Key | None:
    """The key of the request with a digest of its body, whatever the order of its fields."""
    given = request.headers.get(IDEMPOTENCY_KEY)
    if given is None:
        return None
    if not 1 <= len(given) <= LONGEST_KEY or not given.isascii() or not given.isprintable():
        raise invalid(IDEMPOTENCY_KEY, f"must have 1 to {LONGEST_KEY} visible ASCII characters")
    body = orjson.dumps(request.get_json(), option=orjson.OPT_SORT_KEYS)
    return Key.of(given, request.path.encode() + b" " + body)


def _first_answer(key: Key) -> Response | None:
    try:
        first = accept.replay(team_id(), key)
    except KeyReused as error:
        raise _reused() from error
    return None if first is None else _reply(first, is_first=False)


def _reused() -> Refused:
    message = (
        "The key was given with another request in the last 24 hours. A new mail needs a key of its own."
    )
    return invalid(IDEMPOTENCY_KEY, message)


def _accepted(wishes: Sequence[tuple[Wish, Accepted]], reply: bytes, key: Key | None) -> Response:
    try:
        first = accept.accept(team_id(), wishes, reply, key)
    except KeyReused as error:
        _give_back(wishes)
        raise _reused() from error
    except OutOfCredits:
        _give_back(wishes)
        if key is not None and (replayed := _first_answer(key)):
            return replayed
        raise
    if first is not reply:
        _give_back(wishes)
    return _reply(first, is_first=first is reply)


def _give_back(wishes: Sequence[tuple[Wish, Accepted]]) -> None:
    """To the team's hour, as nothing was taken."""
    for wish, _ in wishes:
        may_send.give_back(team_id(), wish.letter.sender.address, wish.stream, len(wish.recipients))


def _reply(body: bytes, is_first: bool) -> Response:
    response = Response(body, 202, content_type="application/json")
    if not is_first:
        response.headers[REPLAYED] = "true"
    return response


def _wish(body: NewEmail) -> Wish:
    """What is asked for, with its merge fields filled in. Raises what `_why` explains."""
    if body.send_at is not None:
        _refuse_far(body.send_at)
    domain = may_send.check(team_id(), body.sender.address, body.stream)
    opens, clicks = body.track_opens, body.track_clicks
    rendered = _rendered(body)
    letter = Letter(
        sender=body.sender,
        to=body.to,
        cc=body.cc or (),
        reply_to=body.reply_to or (),
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=body.headers,
        attachments=tuple(each.attachment() for each in body.attachments),
        opens=domain.follows_opens if opens is None else opens,
        clicks=domain.follows_clicks if clicks is None else clicks,
    )
    return Wish(
        letter,
        body.bcc or (),
        body.stream,
        tuple(body.tags),
        cast(dict[str, str], body.metadata),
        body.send_at,
    )


def _rendered(body: NewEmail) -> content.Rendered:
    """Raises ContentError, and Unsendable where a merge field cannot be filled in."""
    if body.template_id is not None:
        return _from_template(body, body.template_id)
    if body.mjml is None and body.variables is None:
        return content.Rendered(body.subject or "", body.html, body.text)
    kind: Literal["html", "mjml"] = "html" if body.mjml is None else "mjml"
    source = body.html if body.mjml is None else body.mjml
    prepared = content.prepared(kind, body.subject or "", "", source or "", body.text)
    return content.render(prepared, body.variables or {}, body.to[0].address)


def _from_template(body: NewEmail, template_id: int) -> content.Rendered:
    template = versions.find(versions.TEMPLATES, team_id(), template_id)
    found = None if template is None else mail_of(template)
    if found is None:
        raise invalid("template_id", "You have no template with this id.")
    source = found.source
    subject = source.subject if body.subject is None else body.subject
    prepared = content.prepared(source.kind, subject, source.preheader, source.body, source.text)
    return content.render(prepared, body.variables or {}, body.to[0].address)


def _read(each: Any) -> NewEmail:
    """One of a batch. Raises Refused."""
    try:
        return NewEmail.model_validate(each)
    except ValidationError as error:
        raise Refused(422, _invalid(errors_of(error))) from error


def _invalid(errors: list[FieldError]) -> Invalid:
    first = errors[0]
    return Invalid(message=f"{first.field}: {first.message}" if first.field else first.message, errors=errors)


def _why(error: Exception) -> Invalid:
    """What keeps one mail from being sent."""
    match error:
        case Refused(model=Invalid() as found):
            return found
        case ContentError(errors=found):
            return _invalid([FieldError(field=each.field, message=each.message) for each in found])
        case NotVerified():
            return _invalid([FieldError(field="from", message=str(error))])
        case _:
            return _invalid([FieldError(field="", message=str(error))])


def _refuse_far(moment: Any) -> None:
    if moment > now() + timedelta(days=DAYS_AHEAD):
        raise invalid("send_at", f"is more than {DAYS_AHEAD} days ahead")


def _taken(ids: Accepted) -> dict[str, Any]:
    copies = [
        {"id": f"msg_{copy.message_id.hex}", "to": copy.address, "kind": copy.kind} for copy in ids.recipients
    ]
    return {"id": f"email_{ids.id.hex}", "messages": copies}


def _own(path: EmailPath) -> Submission:
    found = reading.find(team_id(), path.email_id)
    if found is None:
        raise not_found("email")
    return found


def _gone(submission: Submission) -> Refused:
    states = {SendState(copy.state) for copy in reading.copies(submission)}
    if SendState.PLANNED in states:
        return conflict("It is being handed over at this moment; ask again in a second.", "sending")
    word = "cancelled" if states == {SendState.CANCELLED} else "sent"
    return conflict(f"It cannot be changed any more: it was {word}.", word)


def _listed(row: Email) -> EmailAnswer:
    return EmailAnswer(
        message_id=row.message_id,
        email_id=UUID(row.submission) if row.source == "api" and row.submission else None,
        source=row.source,
        sender=row.from_address,
        to=row.recipient,
        kind=cast(Kind, row.kind),
        subject=row.subject,
        stream=row.stream,
        state=cast(State, SendState(row.state).name.lower()),
        created_at=row.created_at,
    )


def _detail(submission: Submission) -> EmailDetail:
    copies = reading.copies(submission)
    found = {
        mail.message_id: mail for mail in mails.find_all(team_id(), [copy.message_id for copy in copies])
    }
    messages = [
        EmailMessage(
            **dict(told(found[copy.message_id], message_timeline(team_id(), copy.message_id))),
            kind=cast(Kind, copy.kind),
        )
        for copy in copies
    ]
    return EmailDetail(
        id=submission.id,
        sender=submission.sender,
        subject=copies[0].subject,
        stream=submission.stream,
        tags=submission.tags,
        metadata=submission.metadata,
        send_at=submission.send_at,
        created_at=submission.created_at,
        messages=messages,
    )
