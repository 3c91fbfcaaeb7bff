"""/v1/templates: mails to be sent again and again, in versions; previewed, and sent as a test."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.broadcasts import Kind, Source, Subject, Text
from sidecars.api.errors import invalid, not_found
from sidecars.api.ids import BroadcastId, ContactId, LayoutId, SenderId, TemplateId
from sidecars.api.layouts import Name, VersionAnswer, VersionNumber, shown_version
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import (
    Address,
    Answer,
    Body,
    OptionalBody,
    PageQuery,
    Path,
    Timestamp,
    answer,
    example,
    page,
)
from sidecars.api.trials import PreviewOfMail, Sample, TrialAnswer, TrialList, as_reader, made_up
from sidecars.audiences.contacts import contact_of
from sidecars.broadcasts import trial
from sidecars.content import templates, versions
from sidecars.content.templates import Mail, mail_of
from sidecars.content.versions import TEMPLATES
from sidecars.mail.recipients import Recipient
from sidecars.models import SenderIdentity, Template, TemplateVersion

api = resource("Templates", "Mails to be sent again and again.", "content")

EXAMPLE_BODY = "<p>Hello {{ contact.first_name | default: 'friend' }}, here is what is new.</p>"
Number = Annotated[
    int, Field(ge=1, le=4_000_000_000, description="Which version; left out or null: the latest.")
]


class TemplatePath(Path):
    """Which template."""

    template_id: TemplateId


class TemplateVersionPath(TemplatePath, VersionNumber):
    """Which version of which template."""


class TemplateChange(Body):
    """What to change; what is left out stays. A change of the content is a new version."""

    model_config = example({"subject": "News of {{ contact.properties.city | default: 'the town' }}"})

    name: Name | None = None
    layout_id: LayoutId | None = Field(None, description="Null: none around it.")
    kind: Kind | None = Field(None, description="As its layout's, where it has one.")
    subject: Subject | None = None
    preheader: Subject | None = None
    body: Source | None = None
    text: Text | None = None


class NewTemplate(TemplateChange):
    """A template. It may be unfinished; a preview tells what is wrong."""

    model_config = example(
        {"name": "Monthly letter", "kind": "html", "subject": "What is new", "body": EXAMPLE_BODY}
    )

    name: Name
    kind: Kind = "html"
    subject: Subject = ""
    preheader: Subject = ""
    body: Source = ""


class TemplateAnswer(Answer):
    """A template."""

    id: TemplateId
    name: str
    version: int = Field(description="The number of its latest version.")
    created_at: Timestamp
    updated_at: Timestamp


class TemplateContent(Answer):
    """What a version holds."""

    layout_id: LayoutId | None
    kind: Kind
    subject: str
    preheader: str
    body: str
    text: str | None


class TemplateDetail(TemplateAnswer, TemplateContent):
    """A template with its latest version."""


class TemplatePage(Answer):
    """Some templates, the latest first."""

    data: list[TemplateAnswer]
    next_cursor: str | None


class TemplateVersionAnswer(VersionAnswer):
    """A save, and the broadcasts whose mail was made from it."""

    broadcasts: list[BroadcastId]


class TemplateVersionDetail(TemplateContent):
    """A template as it was. Lines end in LF, for comparing."""

    number: int
    restored_from: int | None
    created_at: Timestamp


class TemplateVersionPage(Answer):
    """Some versions, the latest first."""

    data: list[TemplateVersionAnswer]
    next_cursor: str | None


class TemplateReading(OptionalBody):
    """Who reads it, and which version."""

    model_config = example({"sample": {"first_name": "Ada"}}, required=False)

    contact_id: ContactId | None = Field(None, description="A contact of any audience of yours.")
    sample: Sample | None = Field(None, description="A made-up reader, where there is no `contact_id`.")
    version: Number | None = None


class TemplateAddressees(TemplateReading):
    """Where to send a test to, and as whom."""

    model_config = example({"addresses": ["me@acme.example"], "sender_id": "snd_1"})

    addresses: Annotated[list[Address], Field(min_length=1, max_length=5)]
    sender_id: SenderId


@api.post("/templates", responses={201: TemplateDetail})
def create_template(body: NewTemplate) -> Response:
    """Write a template"""
    templates.check_layout(team_id(), body.layout_id, body.kind)
    return answer(_detail(versions.create(TEMPLATES, team_id(), **body.model_dump())), 201)


@api.get("/templates", responses={200: TemplatePage})
def list_templates(query: PageQuery) -> Response:
    """List templates, the latest first"""
    rows = versions.page(TEMPLATES, team_id(), query.cursor, query.limit + 1)
    return answer(TemplatePage(**page(rows, query.limit, lambda row: row.id, TemplateAnswer.model_validate)))


@api.get("/templates/<template_id>", responses={200: TemplateDetail})
def get_template(path: TemplatePath) -> Response:
    """Read a template"""
    return answer(_detail(own_template(path.template_id)))


@api.patch("/templates/<template_id>", responses={200: TemplateDetail})
def change_template(path: TemplatePath, body: TemplateChange) -> Response:
    """Save a template

    Broadcasts that were made from it stay as they are.
    """
    template = own_template(path.template_id)
    said = {
        name: value
        for name, value in body.model_dump(exclude_unset=True).items()
        if value is not None or name in ("layout_id", "text")
    }
    latest = versions.version_of(TEMPLATES, template)
    templates.check_layout(team_id(), said.get("layout_id", latest.layout_id), said.get("kind", latest.kind))
    return answer(_detail(versions.change(TEMPLATES, template, **said)))


@api.delete("/templates/<template_id>", responses={204: None})
def delete_template(path: TemplatePath) -> Response:
    """Delete a template

    Broadcasts that were made from it stay as they are.
    """
    versions.delete(TEMPLATES, own_template(path.template_id))
    return Response(status=204)


@api.get("/templates/<template_id>/versions", responses={200: TemplateVersionPage})
def list_template_versions(path: TemplatePath, query: PageQuery) -> Response:
    """List a template's versions, the latest first

    What each changed, and which broadcasts were made from it.
    """
    template = own_template(path.template_id)
    rows = versions.versions_of(TEMPLATES, template, query.cursor, query.limit + 1)
    used = templates.used_by(template, [version.number for version, _ in rows])

    def show(row: tuple[Any, list[str]]) -> TemplateVersionAnswer:
        return TemplateVersionAnswer(**dict(shown_version(row)), broadcasts=used.get(row[0].number, []))

    return answer(TemplateVersionPage(**page(rows, query.limit, lambda row: row[0].number, show)))


@api.get("/templates/<template_id>/versions/<number>", responses={200: TemplateVersionDetail})
def get_template_version(path: TemplateVersionPath) -> Response:
    """Read a version of a template"""
    version: TemplateVersion | None = versions.version_of(
        TEMPLATES, own_template(path.template_id), path.number
    )
    if version is None:
        raise not_found("version")
    return answer(TemplateVersionDetail.model_validate(version))


@api.post("/templates/<template_id>/versions/<number>/restore", responses={200: TemplateDetail})
def restore_template_version(path: TemplateVersionPath) -> Response:
    """Bring a version of a template back

    As a new version with the same content.
    """
    template = own_template(path.template_id)
    version = versions.version_of(TEMPLATES, template, path.number)
    if version is None:
        raise not_found("version")
    templates.check_layout(team_id(), version.layout_id, version.kind)
    return answer(_detail(versions.restore(TEMPLATES, template, path.number)))


@api.post("/templates/<template_id>/preview", responses={200: PreviewOfMail})
@needs("content:read")
def preview_template(path: TemplatePath, body: TemplateReading) -> Response:
    """See it as a reader would

    For a contact, or for a made-up reader; with its size, and what would better be otherwise.
    """
    mail = mail_from(own_template(path.template_id), body.version)
    return answer(PreviewOfMail.model_validate(trial.render(mail.prepare(), _reader(body))))


@api.post("/templates/<template_id>/test-send", responses={200: TrialList})
def test_send_template(path: TemplatePath, body: TemplateAddressees) -> Response:
    """Send it to up to five addresses

    Marked as a test in the subject, and not tracked.
    """
    mail = mail_from(own_template(path.template_id), body.version)
    sender = SenderIdentity.get_or_none(SenderIdentity.id == body.sender_id, SenderIdentity.team == team_id())
    if sender is None:
        raise invalid("sender_id", "You have no sender with this id.")
    addresses = list(dict.fromkeys(body.addresses))
    trials = trial.send(sender, mail.prepare(), addresses, _reader(body))
    return answer(TrialList(data=[TrialAnswer.model_validate(each) for each in trials]))


def own_template(template_id: int) -> Template:
    """The template. Answers 404 where it is not the team's."""
    template: Template | None = versions.find(TEMPLATES, team_id(), template_id)
    if template is None:
        raise not_found("template")
    return template


def mail_from(template: Template, number: int | None) -> Mail:
    """A version of it, with its layout. Answers 422 where there is none."""
    mail = mail_of(template, number)
    if mail is None:
        raise invalid("version", f"This template has the versions 1 to {template.version}.")
    return mail


def _detail(template: Template) -> TemplateDetail:
    content = TemplateContent.model_validate(versions.version_of(TEMPLATES, template))
    return TemplateDetail(**dict(TemplateAnswer.model_validate(template)), **dict(content))


def _reader(body: TemplateReading) -> Recipient:
    if body.contact_id is None:
        return made_up(body.sample)
    contact = contact_of(team_id(), body.contact_id)
    if contact is None:
        raise invalid("contact_id", "You have no contact with this id.")
    return as_reader(contact)
