"""Templates as mails: put into their layouts, and made ready to be rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sidecars.content.versions import LAYOUTS, TEMPLATES, find, version_of
from sidecars.mail.content import ContentSource, PreparedContent, prepare
from sidecars.mail.errors import ContentError, FieldError
from sidecars.mail.wrapping import check_place, in_layout, told_apart
from sidecars.models import Broadcast, Content, Layout, Template, TemplateVersion, Variant


@dataclass(frozen=True)
class Mail:
    """A version of a template with its layout around it."""

    template: Template
    version: TemplateVersion
    source: ContentSource
    layout: str | None

    def prepare(self) -> PreparedContent:
        """As publishing would freeze it. Raises ContentError; of what stands in the layout as `layout`."""
        try:
            return prepare(self.source)
        except ContentError as error:
            if self.layout is None:
                raise
            raise told_apart(error, self.version.body, self.layout) from error


def check_layout(team_id: int, layout_id: int | None, kind: str) -> None:
    """Raises ContentError where the team has no such layout, or one of another kind."""
    if layout_id is None:
        return
    layout = find(LAYOUTS, team_id, layout_id)
    if layout is None:
        raise ContentError([FieldError("layout_id", "You have no layout with this id.")])
    theirs = version_of(LAYOUTS, layout).kind
    if theirs != kind:
        message = f"The layout is {theirs}, so what goes into it must be, too; this is {kind}."
        raise ContentError([FieldError("kind", message)])


def mail_of(template: Template, number: int | None = None) -> Mail | None:
    """A version of the template in its layout as that is now; None where there is no such version.

    Raises ContentError where the layout has no place for it, or has become of another kind.
    """
    version = version_of(TEMPLATES, template, number)
    if version is None:
        return None
    source = ContentSource(version.kind, version.subject, version.preheader, version.body, version.text)
    if version.layout is None:
        return Mail(template, version, source, None)
    layout = version_of(LAYOUTS, version.layout)
    if layout.kind != version.kind:
        message = f"The layout “{version.layout.name}” is {layout.kind} by now, and this is {version.kind}."
        raise ContentError([FieldError("layout", message)])
    check_place(layout.body)
    return Mail(template, version, in_layout(source, layout.body), layout.body)


def naming(layout: Layout) -> list[Template]:
    """The templates whose latest version has this layout."""
    latest = (TemplateVersion.template == Template.id) & (TemplateVersion.number == Template.version)
    query = Template.select().join(TemplateVersion, on=latest)
    return list(query.where(TemplateVersion.layout == layout, Template.deleted_at.is_null()))


def used_by(template: Template, numbers: Sequence[int]) -> dict[int, list[int]]:
    """The ids of the broadcasts that were made from each of the template's versions."""
    query = (
        Content.select(Content.template_version, Broadcast.id)
        .join(Variant, on=(Variant.content == Content.id))
        .join(Broadcast)
        .where(
            Content.team == template.team_id,
            Content.template_id == template.id,
            Content.template_version.in_(list(numbers)),
        )
        .order_by(Broadcast.id)
        .distinct()
    )
    found: dict[int, list[int]] = {}
    rows: Any = query.tuples()
    for number, broadcast_id in rows:
        found.setdefault(number, []).append(broadcast_id)
    return found


def as_draft(mail: Mail) -> dict[str, Any]:
    """What a broadcast's variant takes over of it: columns of Content."""
    source = mail.source
    return {
        "kind": source.kind,
        "subject": source.subject,
        "preheader": source.preheader,
        "body": source.body,
        "text": source.text,
        "template_id": mail.template.id,
        "template_version": mail.version.number,
    }
