"""What an app asks for: a letter, to whom, and what is said of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from sidecars.mail.letter import Letter, Mailbox

Kind = Literal["to", "cc", "bcc"]
Stream = Literal["transactional", "broadcast"]


@dataclass(frozen=True)
class Wish:
    """A mail to be sent, checked. `bcc` stands in no copy; `send_at` (with its time zone) None: now."""

    letter: Letter
    bcc: tuple[Mailbox, ...] = ()
    stream: Stream = "transactional"
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    send_at: datetime | None = None

    @property
    def recipients(self) -> list[tuple[Kind, str]]:
        """Each address once, as what it comes first."""
        kinds: tuple[tuple[Kind, tuple[Mailbox, ...]], ...] = (
            ("to", self.letter.to),
            ("cc", self.letter.cc),
            ("bcc", self.bcc),
        )
        found: dict[str, Kind] = {}
        for kind, mailboxes in kinds:
            for mailbox in mailboxes:
                found.setdefault(mailbox.address, kind)
        return [(kind, address) for address, kind in found.items()]


class Recipient(NamedTuple):
    """One of a submission's, with the id of the copy."""

    message_id: UUID
    kind: Kind
    address: str


class Accepted(NamedTuple):
    """A wish with its ids."""

    id: UUID
    recipients: list[Recipient]
