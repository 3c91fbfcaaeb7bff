"""Ids as the API shows them: what it is, and its number, `aud_12`. MySQL and the logs have the number alone.

docs/decisions/prefixed-ids.md says why.
"""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

_LARGEST = 2**63 - 1


def _number(prefix: str) -> Any:
    """The type of an id: an int here, `prefix_number` in JSON, addresses and queries."""
    shape = re.compile(rf"{prefix}_([1-9][0-9]{{0,18}})", re.ASCII)

    def read(value: Any, info: ValidationInfo) -> Any:
        is_ours = isinstance(value, int) and not isinstance(value, bool)
        if is_ours and not (info.config or {}).get("strict"):
            return value  # an answer, filled from a row
        found = shape.fullmatch(value) if isinstance(value, str) else None
        if found is None or int(found[1]) > _LARGEST:
            raise ValueError(f"must be an id such as “{prefix}_12”")
        return int(found[1])

    return Annotated[
        int,
        BeforeValidator(read),
        PlainSerializer(lambda number: f"{prefix}_{number}", return_type=str, when_used="json"),
        WithJsonSchema({"type": "string", "pattern": f"^{prefix}_[1-9][0-9]*$", "example": f"{prefix}_12"}),
    ]


def _uuid(prefix: str) -> Any:
    """The type of an id that is a UUID: `prefix_` and its 32 hexadecimal digits.

    Taken as a UUID is written, too: so it stands in a mail's X-Kibamail-Message-ID.
    """
    shape = re.compile(rf"{prefix}_([0-9a-f]{{32}})|([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")

    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, UUID) and not (info.config or {}).get("strict"):
            return value
        found = shape.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"must be an id such as “{prefix}_{EXAMPLE_UUID.hex}”")
        return UUID(found[1] or found[2])

    return Annotated[
        UUID,
        BeforeValidator(read),
        PlainSerializer(lambda uuid: f"{prefix}_{uuid.hex}", return_type=str, when_used="json"),
        WithJsonSchema(
            {
                "type": "string",
                "pattern": f"^{prefix}_[0-9a-f]{{32}}$",
                "example": f"{prefix}_{EXAMPLE_UUID.hex}",
            }
        ),
    ]


def number(shown: str) -> int:
    """`bc_12` → 12, the row's own id."""
    return int(shown.partition("_")[2])


EXAMPLE_UUID = UUID("0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")

TeamId = _number("team")
UserId = _number("user")
InvitationId = _number("inv")
SessionId = _number("ses")
PasskeyId = _number("pk")
KeyId = _number("key")
AuditEntryId = _number("log")
AudienceId = _number("aud")
ContactId = _number("con")
TagId = _number("tag")
SegmentId = _number("seg")
ImportId = _number("imp")
ExportId = _number("exp")
TemplateId = _number("tmp")
LayoutId = _number("lay")
MediaId = _number("med")
BroadcastId = _number("bc")
VariantId = _number("var")
RehearsalId = _number("reh")
DomainId = _number("dom")
SenderId = _number("snd")
SuppressionId = _number("sup")
NoticeId = _number("note")
WebhookId = _number("wh")
WebhookDeliveryId = _number("whd")
WebhookAttemptId = _number("wha")
MessageId = _uuid("msg")
EmailId = _uuid("email")
EventId = _uuid("evt")
