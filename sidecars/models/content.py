"""What mails are made from: layouts and templates in versions, and pictures."""

from __future__ import annotations

from peewee import (
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from sidecars.models.accounts import Team
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class Layout(BaseModel):
    """What stands around the content of many mails; `version` is the number of its latest version."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    name = CharField(120)
    version = IntegerField(default=1)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)
    deleted_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "layouts"


class LayoutVersion(BaseModel):
    """A layout as it was saved once; `restored_from` is the number of the version that came back with it."""

    layout = ForeignKeyField(Layout, backref="versions")
    layout_id: IntegerField[int]
    number = IntegerField()
    kind = CharField(8)
    body = TextField()
    restored_from = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "layout_versions"
        primary_key = CompositeKey("layout", "number")


class Template(BaseModel):
    """A mail to be sent again and again; `version` is the number of its latest version."""

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    name = CharField(120)
    version = IntegerField(default=1)
    created_at = UtcDateTimeField(default=now)
    updated_at = UtcDateTimeField(default=now)
    deleted_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "templates"


class TemplateVersion(BaseModel):
    """A template as it was saved once."""

    template = ForeignKeyField(Template, backref="versions")
    template_id: IntegerField[int]
    number = IntegerField()
    layout = ForeignKeyField(Layout, null=True)
    layout_id: IntegerField[int | None]
    kind = CharField(8)
    subject = CharField(998)
    preheader = CharField(998)
    body = TextField()
    text = TextField(null=True)
    restored_from = IntegerField(null=True)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "template_versions"
        primary_key = CompositeKey("template", "number")


class Media(BaseModel):
    """A picture: `awaited` until its upload was looked at, then `ready`.

    `key` names its files in S3 and in its addresses; `bytes` is what was announced, then the picture's size;
    `renditions` holds {width, height, bytes, file} of it in every width that there is.
    """

    team = ForeignKeyField(Team)
    team_id: IntegerField[int]
    name = CharField(120)
    key = CharField(32, unique=True)
    state = CharField(8, default="awaited")
    bytes = IntegerField()
    kind = CharField(8, default="")
    width = IntegerField(default=0)
    height = IntegerField(default=0)
    renditions = JSONField(default=list)
    created_at = UtcDateTimeField(default=now)

    class Meta:
        table_name = "media"
