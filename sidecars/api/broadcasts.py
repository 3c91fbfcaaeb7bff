"""/v1/broadcasts: written, read and changed. What happens to them next is in `trials` and `sending`."""

from typing import Annotated, Any, Literal, cast

from flask import Response
from pydantic import BeforeValidator, Field, model_validator

from sidecars.api.auth import team_id
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import AudienceId, BroadcastId, SegmentId, SenderId, TemplateId, VariantId
from sidecars.api.resource import resource
from sidecars.api.shapes import (
    Answer,
    Body,
    Line,
    OptionalLine,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.broadcasts import drafts, recipients
from sidecars.broadcasts.drafts import UnknownReference, VariantDraft
from sidecars.broadcasts.errors import WrongState
from sidecars.content import templates, versions
from sidecars.models import Broadcast, Variant

api = resource("Broadcasts", "One message to many, as its team writes it.", "broadcasts")

Kind = Literal["mjml", "html"]
Criterion = Literal["opens", "clicks"]
Subject = Annotated[OptionalLine, Field(max_length=998, description="May hold Liquid.")]
Source = Annotated[str, Field(max_length=1_000_000, description="MJML or HTML by `kind`; may hold Liquid.")]
Text = Annotated[
    str, Field(max_length=1_000_000, description="The text part; null: made from the HTML when it goes out.")
]
TemplateVersion = Annotated[int, Field(ge=1, le=4_000_000_000, description="Null: the latest.")]
FROM_TEMPLATE = (
    "The mail as this template has it now, with its layout: later saves of it change no broadcast. "
    "`subject`, `preheader` and `text` beside it are taken instead of the template's."
)
EXAMPLE_BODY = (
    "<p>Hello {{ contact.first_name | default: 'friend' }}, <a href=\"https://acme.example/spring\">look</a>.</p>"
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)


class BroadcastPath(Path):
    """Which broadcast."""

    broadcast_id: BroadcastId


class NewVariant(Body):
    """One version of the mail, written here or made from a template."""

    name: Annotated[OptionalLine, Field(max_length=120)] = ""
    weight: int = Field(ge=1, le=100, description="Its share in percent; all add up to 100.")
    sender_id: SenderId | None = Field(None, description="Null: that of the broadcast.")
    kind: Kind = "html"
    subject: Subject = ""
    preheader: Subject = ""
    body: Source = ""
    text: Text | None = None
    template_id: TemplateId | None = Field(None, description=FROM_TEMPLATE)
    template_version: TemplateVersion | None = None


class Exclusions(Body):
    """Whom it leaves out, though they are in its audience or segment."""

    model_config = example({"segments": ["seg_2"], "tags": ["staff"], "broadcasts": ["bc_11"]})

    segments: list[SegmentId] = Field(default_factory=list, max_length=20)
    tags: list[Annotated[Line, Field(max_length=64)]] = Field(default_factory=list, max_length=20)
    broadcasts: list[BroadcastId] = Field(
        default_factory=list, max_length=20, description="Whom these were written to, by address."
    )


class TestPlan(Body):
    """An A/B test: a share of the recipients gets the variants, the rest later the one that did best."""

    share: int = Field(ge=1, le=99, description="Percent of the recipients; the weights part them.")
    criterion: Criterion = Field(description="What people, not machines, did with the delivered mails.")
    wait_minutes: int = Field(
        ge=1, le=7 * 24 * 60, description="From when the test's last mail was handed over."
    )


class BroadcastChange(Body):
    """What to change; what is left out stays.

    The mail is either given by itself (`kind` to `text`) or in several `variants`, which replace all before.
    """

    model_config = example({"subject": "Spring is here, {{ contact.first_name }}"})

    name: Annotated[Line, Field(max_length=200)] | None = None
    audience_id: AudienceId | None = None
    segment_id: Annotated[
        SegmentId | None, Field(description="Of the audience; null: all of the audience.")
    ] = None
    exclusions: Annotated[
        Exclusions | None, Field(description="Replace those before; `{}` leaves nobody out.")
    ] = None
    sender_id: SenderId | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None
    kind: Kind | None = None
    subject: Subject | None = None
    preheader: Subject | None = None
    body: Source | None = None
    text: Text | None = None
    template_id: TemplateId | None = Field(None, description=FROM_TEMPLATE)
    template_version: TemplateVersion | None = None
    variants: Annotated[list[NewVariant], Field(min_length=2, max_length=10)] | None = None
    test: TestPlan | None = Field(None, description="Null: none; each variant goes to its share of all.")


class NewBroadcast(BroadcastChange):
    """A draft. It may be unfinished; `validate` tells what is missing."""

    model_config = example(
        {
            "name": "Spring letter",
            "audience_id": "aud_1",
            "sender_id": "snd_1",
            "subject": "Spring is here, {{ contact.first_name | default: 'friend' }}",
            "kind": "html",
            "body": EXAMPLE_BODY,
        }
    )

    name: Annotated[Line, Field(max_length=200)]
    sender_id: SenderId

    @model_validator(mode="after")
    def _to_someone(self) -> "NewBroadcast":
        if self.audience_id is None and self.segment_id is None:
            raise ValueError("give `audience_id`, or `segment_id` for a part of one")
        return self


class VariantAnswer(Answer):
    """One version of the mail."""

    id: VariantId
    name: str
    weight: int
    sender_id: SenderId | None = Field(description="Null: that of the broadcast.")
    kind: Kind
    subject: str
    preheader: str
    body: str
    text: str | None
    template_id: TemplateId | None = Field(description="What it was made from.")
    template_version: int | None


class ExclusionsAnswer(Answer):
    """Whom a broadcast leaves out."""

    segments: list[SegmentId] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    broadcasts: list[BroadcastId] = Field(default_factory=list)


class BroadcastAnswer(Answer):
    """A broadcast."""

    id: BroadcastId
    name: str
    state: Literal["draft", "scheduled", "planning", "sending", "paused", "sent", "cancelled", "stopped"]
    reason: str = Field(description="Why it was stopped, or paused by its losses.")
    audience_id: AudienceId
    segment_id: SegmentId | None
    exclusions: Annotated[ExclusionsAnswer, BeforeValidator(lambda said: said or {})]
    sender_id: SenderId
    track_opens: bool
    track_clicks: bool
    planned_total: int = Field(description="Recipients chosen so far.")
    scheduled_at: Timestamp | None
    published_at: Timestamp | None
    planned_at: Timestamp | None
    finished_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class TriedAnswer(Answer):
    """A variant's figures when the winner was chosen."""

    variant_id: VariantId
    name: str
    delivered: int
    successes: int = Field(description="Of these, opened or clicked by people.")
    probability_best: float


class TestAnswer(Answer):
    """An A/B test, and how it ended."""

    share: int
    criterion: Criterion
    wait_minutes: int
    winner_id: VariantId | None = Field(description="Null until it is chosen.")
    is_clear: bool | None = Field(description="Whether it is the best with 95 % probability.")
    explanation: str = Field(description="Why it won, with figures.")
    variants: list[TriedAnswer]


class LocalTimeAnswer(Answer):
    """When each reader gets it, by their own clock."""

    local_time: str = Field(json_schema_extra={"example": "2026-12-01T09:00:00"})
    timezone: str = Field(description="Of readers of whom none is known.")
    when_past: Literal["at_once", "next_day"]


class BroadcastDetail(BroadcastAnswer):
    """A broadcast with its mail, in one variant or several."""

    variants: list[VariantAnswer]
    test: TestAnswer | None
    by_local_time: LocalTimeAnswer | None
    release_at: Timestamp | None = Field(
        description="When the next recipients' turn comes, of a test's rest or by readers' own hours."
    )


class RecipientsAnswer(Answer):
    """Who would get a broadcast now; others of its audience are left out, for the first reason that holds."""

    recipients: int
    left_out: dict[str, int] = Field(
        description="unsubscribed, pending, not_in_segment, excluded, suppressed, paused, invalid (erased).",
        json_schema_extra={"example": {"excluded": 12, "not_in_segment": 8100, "unsubscribed": 130}},
    )


class BroadcastPage(Answer):
    """Some broadcasts, the latest first."""

    data: list[BroadcastAnswer]
    next_cursor: str | None


@api.post("/broadcasts", responses={201: BroadcastDetail})
def create_broadcast(body: NewBroadcast) -> Response:
    """Write a broadcast"""
    fields, content = _split(body)
    variants = _variants(body, content) or [_single({}, content)]
    try:
        broadcast = drafts.create(team_id(), variants, **fields)
    except UnknownReference as error:
        raise invalid(error.field, str(error)) from error
    return answer(detail(broadcast), 201)


@api.get("/broadcasts", responses={200: BroadcastPage})
def list_broadcasts(query: PageQuery) -> Response:
    """List broadcasts, the latest first"""
    rows = drafts.page(team_id(), query.cursor, query.limit + 1)
    return answer(
        BroadcastPage(**page(rows, query.limit, lambda row: row.id, BroadcastAnswer.model_validate))
    )


@api.get("/broadcasts/<broadcast_id>", responses={200: BroadcastDetail})
def get_broadcast(path: BroadcastPath) -> Response:
    """Read a broadcast"""
    return answer(detail(own_broadcast(path.broadcast_id)))


@api.patch("/broadcasts/<broadcast_id>", responses={200: BroadcastDetail})
def change_broadcast(path: BroadcastPath, body: BroadcastChange) -> Response:
    """Change a draft, or one that is scheduled

    409 once it is on its way.
    """
    broadcast = own_broadcast(path.broadcast_id)
    fields, content = _split(body)
    variants = _variants(body, content)
    if content and variants is None:
        before = drafts.variants_of(broadcast.id)
        if len(before) > 1:
            raise invalid(next(iter(content)), "This broadcast has several variants; send `variants`.")
        variants = [_single(_content(before[0]), content)]
    try:
        broadcast = drafts.change(broadcast.id, variants, **fields)
    except UnknownReference as error:
        raise invalid(error.field, str(error)) from error
    return answer(detail(broadcast))


@api.get("/broadcasts/<broadcast_id>/recipients", responses={200: RecipientsAnswer})
def count_recipients(path: BroadcastPath) -> Response:
    """Count who would get it

    By the same rules as publishing. 409 once it is on its way: its ledger tells more.
    """
    broadcast = own_broadcast(path.broadcast_id)
    if broadcast.state not in drafts.CHANGEABLE:
        raise WrongState(broadcast.state)
    try:
        found = recipients.forecast(broadcast)
    except recipients.UnsupportedFilter as error:
        raise invalid("segment_id", str(error)) from error
    return answer(RecipientsAnswer(recipients=found.recipients, left_out=found.left_out))


def own_broadcast(broadcast_id: int) -> Broadcast:
    """The broadcast. Answers 404 where it is not the team's."""
    broadcast = drafts.broadcast_of(team_id(), broadcast_id)
    if broadcast is None:
        raise not_found("broadcast")
    return broadcast


def detail(broadcast: Broadcast) -> BroadcastDetail:
    """The broadcast with its variants."""
    shown = BroadcastAnswer.model_validate(broadcast)
    variants = [
        VariantAnswer(
            id=variant.id,
            name=variant.name,
            weight=variant.weight,
            sender_id=variant.sender_id,
            **_content(variant),
        )
        for variant in drafts.variants_of(broadcast.id)
    ]
    return BroadcastDetail(
        **dict(shown),
        variants=variants,
        test=_test(broadcast),
        by_local_time=LocalTimeAnswer.model_validate(broadcast) if broadcast.local_time else None,
        release_at=broadcast.release_at,
    )


def _test(broadcast: Broadcast) -> TestAnswer | None:
    if not broadcast.test_share:
        return None
    verdict = broadcast.verdict or {"is_clear": None, "explanation": "", "variants": []}
    return TestAnswer(
        share=broadcast.test_share,
        criterion=cast(Criterion, broadcast.test_criterion),
        wait_minutes=broadcast.test_wait_minutes or 0,
        winner_id=broadcast.winner_id,
        **verdict,
    )


CONTENT = ("kind", "subject", "preheader", "body", "text", "template_id", "template_version")
EMPTY: dict[str, Any] = {"kind": "html", "subject": "", "preheader": "", "body": "", "text": None}


NULLABLE = ("text", "segment_id", "test")


def _split(body: BroadcastChange) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was said of the broadcast, and of its mail. Null says nothing but of NULLABLE."""
    said = body.model_dump(exclude_unset=True, exclude={"variants"})
    said = {name: value for name, value in said.items() if value is not None or name in NULLABLE}
    content = {name: said.pop(name) for name in CONTENT if name in said}
    if "test" in said:
        plan = said.pop("test") or dict.fromkeys(TestPlan.model_fields)
        said |= {f"test_{name}": value for name, value in plan.items()}
    return said, _written(content)


def _written(content: dict[str, Any], place: str = "") -> dict[str, Any]:
    """The content; where it names a template, filled in from it. Answers 422 where there is none."""
    if content.get("template_id") is None:
        if content.get("template_version") is not None:
            raise invalid(f"{place}template_version", "Name the template, too, by `template_id`.")
        return content
    for field in ("kind", "body"):
        if content.get(field):
            raise invalid(f"{place}{field}", "Give either the mail or its template, not both.")
    template = versions.find(versions.TEMPLATES, team_id(), content["template_id"])
    if template is None:
        raise invalid(f"{place}template_id", "You have no template with this id.")
    mail = templates.mail_of(template, content.get("template_version"))
    if mail is None:
        raise invalid(f"{place}template_version", f"It has the versions 1 to {template.version}.")
    own = {name: content[name] for name in ("subject", "preheader", "text") if content.get(name)}
    return templates.as_draft(mail) | own


def _variants(body: BroadcastChange, content: dict[str, Any]) -> list[VariantDraft] | None:
    if body.variants is None:
        return None
    if content:
        raise invalid(next(iter(content)), "Give the mail either by itself or in `variants`, not both.")
    return [
        VariantDraft(
            name=variant.name,
            weight=variant.weight,
            sender_id=variant.sender_id,
            **EMPTY
            | _written(
                variant.model_dump(include=set(variant.model_fields_set) & set(CONTENT)), f"variants.{index}."
            ),
        )
        for index, variant in enumerate(body.variants)
    ]


def _single(before: dict[str, Any], content: dict[str, Any]) -> VariantDraft:
    return VariantDraft(**EMPTY | before | content)


def _content(variant: Variant) -> dict[str, Any]:
    return {name: getattr(variant.content, name) for name in CONTENT}
