"""The post room behind the SMTP dialogue: judges recipients, keeps mails, writes receipts."""

import re
from base64 import b32decode
from binascii import Error as Base32Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sidecars import names
from simulator.chance import Dice
from simulator.outcomes import OUTCOMES, Outcome
from simulator.providers import Provider, Providers
from simulator.receipts import Receipts, Subject
from simulator.store import Mail, Store

# Attempts are counted only for recipients whom an attempt can fail; the oldest counts go first.
MOST_COUNTS = 500_000
TOKEN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT of a transaction, judged."""

    address: str
    provider: Provider
    outcome: Outcome
    attempt: int


class Post:
    """`arrived` is called with each mail taken, and the outcome it was taken with."""

    def __init__(
        self,
        providers: Providers,
        dice: Dice,
        receipts: Receipts,
        store: Store,
        arrived: Callable[[Mail, Recipient], None],
    ) -> None:
        self._providers = providers
        self._dice = dice
        self._receipts = receipts
        self._store = store
        self._arrived = arrived
        self._attempts: dict[tuple[str, str], int] = {}

    def judge(self, sender: str, address: str, smtputf8: bool) -> Recipient:
        """Counts this as an attempt of the mail that the envelope sender names."""
        provider = self._providers.serving(address.rpartition("@")[2])
        if not address.isascii() and not (smtputf8 and provider.smtputf8):
            return Recipient(address, provider, OUTCOMES["no_smtputf8"], 1)
        outcome = provider.outcome_of(self._dice, address, 1)
        if not outcome.passes:
            return Recipient(address, provider, outcome, 1)
        attempt = self._count(sender, address)
        return Recipient(address, provider, provider.outcome_of(self._dice, address, attempt), attempt)

    def turn_away(
        self, sender: str, recipients: Sequence[Recipient], outcome: Outcome, raw: bytes = b""
    ) -> None:
        """Writes that these recipients were refused, deferred or dropped."""
        ids = ids_of(raw, sender)
        for recipient in recipients:
            self._write(outcome, _subject(ids, recipient), recipient)

    def take(self, sender: str, recipients: Sequence[Recipient], raw: bytes) -> None:
        """Keeps the mail for its recipients, each of whom gets a receipt."""
        ids = ids_of(raw, sender)
        mails = self._store.add(raw, sender, [_subject(ids, recipient) for recipient in recipients])
        for mail, recipient in zip(mails, recipients, strict=True):
            self._write(recipient.outcome, mail.subject, recipient)
            self._arrived(mail, recipient)

    def reset(self) -> None:
        """Forgets all attempts."""
        self._attempts.clear()

    def _count(self, sender: str, address: str) -> int:
        key = (sender, address)
        attempt = self._attempts[key] = self._attempts.pop(key, 0) + 1
        if len(self._attempts) > MOST_COUNTS:
            del self._attempts[next(iter(self._attempts))]
        return attempt

    def _write(self, outcome: Outcome, subject: Subject, recipient: Recipient) -> None:
        text = f"{outcome.enhanced} {outcome.text}" if outcome.enhanced else outcome.text
        self._receipts.add(outcome.action.value, subject, outcome.code, text, attempt=recipient.attempt)


Ids = tuple[str | None, int | None, int | None]


def ids_of(raw: bytes, sender: str) -> Ids:
    """Message, broadcast and contact id by the mail's headers; or the first by its envelope sender."""
    head = raw[: raw.find(b"\r\n\r\n") + 2]
    return (
        _header(head, _MESSAGE_ID) or message_id_of(sender),
        _number(_header(head, _BROADCAST_ID)),
        _number(_header(head, _CONTACT_ID)),
    )


def message_id_of(sender: str) -> str | None:
    """The message id in `b-<token>@…`: the first 16 bytes of the token. None for any other address."""
    local = sender.partition("@")[0].lower()
    token = local.removeprefix(names.VERP_PREFIX)
    if token == local or len(token) != TOKEN_CHARACTERS:
        return None
    try:
        return str(UUID(bytes=b32decode(token, casefold=True)[:16]))
    except Base32Error:
        return None


def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|\n)%b:[ \t]*([^\r\n]*)" % re.escape(name.encode()), re.IGNORECASE)


_MESSAGE_ID = _pattern(names.HEADER_MESSAGE_ID)
_BROADCAST_ID = _pattern(names.HEADER_BROADCAST_ID)
_CONTACT_ID = _pattern(names.HEADER_CONTACT_ID)


def _header(head: bytes, pattern: re.Pattern[bytes]) -> str | None:
    found = pattern.search(head)
    return found[1].decode("latin-1").strip() or None if found else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _subject(ids: Ids, recipient: Recipient) -> Subject:
    return Subject(*ids, recipient.address, recipient.provider.name)
