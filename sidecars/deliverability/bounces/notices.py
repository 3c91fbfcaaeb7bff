"""Notices of failure in no standard form: is a mail one, and whom is it about? Pure.

flufl.bounce is asked first, which knows a dozen servers' own forms. Where it finds nobody, the places are
searched in which servers of every kind name a recipient; notices.toml holds the words that tell a notice.
"""

import logging
import re
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from flufl.bounce import all_failures

from sidecars.deliverability.bounces import mime, words
from sidecars.deliverability.bounces.dsn import ADDRESS, MAX_RECIPIENTS, find_address

log = logging.getLogger(__name__)
# It logs an error for each mail that one of its detectors trips over; below, that is no error.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

# Its detectors search each line with a hundred patterns, some of which cost the square of the line's length.
_FLUFL_BYTES = 32_768
_FLUFL_LINE = 300
_FLUFL_LINES = 600
_MAX_NOTICE = 16_384
_AROUND = 600

_ADDRESS = ADDRESS.pattern
# Where a recipient stands in a line, the surest place first.
_PLACES = tuple(
    re.compile(place, re.IGNORECASE | re.MULTILINE)
    for place in (
        # "<a@b>: reason", "[SMTP:a@b]", "rcpt to:<a@b>".
        rf"^[\s>*\d.)-]{{0,12}}<({_ADDRESS})>\s{{0,4}}(?::|$|\(|\.\.\.|,|-)",
        rf"(?:rcpt to|smtp)[:=]\s{{0,4}}<?({_ADDRESS})",
        # A line of its own, or its first word.
        rf"^[\s>*•\d.)'\"\[-]{{0,12}}(?:to:\s|<)?({_ADDRESS})[>'\"\]]{{0,3}}\s{{0,4}}(?::|$|\(|\.\.\.|,|;|->|\bon\b|-{{1,3}}(?:\s|$)|\s{{2,}}|\bis\b|\bwas\b)",
        # After a label: "Recipient: a@b", "the following address(es): a@b", "Empfänger: a@b".
        rf"\b(?:recipients?|address(?:\(?es\)?)?|to|user|user\(?s\)?|mailbox|account|userid|destinat\w{{1,8}}|empfänger|adresse|an|für|para|pour|voor|til|"
        rf"宛先|收件人|kому|кому|error-for)\s{{0,3}}(?:[:=]|is\b)[\s\[<\"'(]{{0,6}}(?:smtp:)?({_ADDRESS})",
        # In a sentence: "deliver your message to a@b", "mail to <a@b> failed".
        rf"\b(?:to|for|user|recipient|address|mailbox|account|an|à|a|für|para|pour|voor|naar|till|til|do|by|of)\s{{1,4}}(?:the\s(?:following\s)?(?:address|recipient|user|mailbox)\s)?[<\"'\[(“„]{{0,3}}(?:mailto:)?({_ADDRESS})",
        rf"({_ADDRESS})",
    )
)
_SURE_PLACES = 4
_CONTACT = re.compile(
    r"\b(contact|questions?|help|assistance|support|report(ed)? (this |it )?to|e-?mail (us|me)|notify"
    r"|forward(ed)? (this|it)|on behalf of|from|sender|sent by|von|reply-to|de)\b"
    r"[^\w\n]{0,6}(the\W)?(\w+[^\w\n]{1,3}){0,3}$",
    re.IGNORECASE,
)
_HELPERS = re.compile(
    r"^(postmaster|mailer-daemon|abuse|helpdesk|hostmaster|webmaster|mdaemon)@", re.IGNORECASE
)
_ANSWERED = re.compile(
    r"^\s*(\[[^\]]{1,40}\]\s*)?(re|fwd?|aw|wg|tr|rv|antw|sv|vs|ref|回复|答复|转发)\s?(\[\d+\])?[:：]",
    re.IGNORECASE,
)
# A server's answer, where it stands as one: a bare "550" may be a price.
_REPLY = re.compile(
    r"^[\s<>-]{0,12}[45][0-5]\d[ -]|[:>(\[\"']\s{0,4}[45][0-5]\d[ -]"
    r"|\b[45]\d\d[ -]#?[45]\.\d\.\d{1,3}\b|(?<![\d.])#?[45]\.\d\.\d{1,3}(?![\d.]*\d)",
    re.MULTILINE,
)
# What is not delivered is a mail, and no parcel.
_MAIL = re.compile(
    r"\b(e-?mails?|mails?|messages?|smtp|mailbox|nachricht|courriel|message|mensaje|correo|messaggio|mensagem|bericht"
    r"|meddelande|wiadomo\w+)\b|メール|邮件|郵件|письм|сообщени|메일",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Notice:
    """A notice that mail failed, or is late. `told` holds recipients and what is said of each."""

    late: bool
    format: str
    told: tuple[tuple[str, str], ...]


def read(message: Message, raw: bytes) -> Notice | None:
    """What a mail without a report in standard form says; None where it is no notice."""
    text = own_words(message)
    flat = " ".join(text.split())
    if not flat or answers_by_hand(message):
        return None
    known = next((each.name for each in words.FORMATS if each.opening.search(text)), "")
    late = is_late(mime.field(message, "Subject"), flat)
    returned = mime.returned_text(message) or rest_of(message)
    if not _is_notice(message, text, known, late, bool(returned)):
        return None
    temporary, permanent = _ask_flufl(raw)
    addresses, reader = _plausible(permanent or temporary, message, text), f"flufl.bounce {known}".strip()
    if not addresses:
        addresses, reader = recipients(message, text, returned), known or "words"
    told = tuple((address, around(address, text)) for address in addresses)
    return Notice(late, reader, told or (("", _excerpt(flat)),))


def _is_notice(message: Message, text: str, known: str, late: bool, returns: bool) -> bool:
    """Whether its headers and words together say that a mail was not delivered, or not yet."""
    subject, flat = mime.field(message, "Subject"), " ".join(text.split())
    if words.NOT_A_NOTICE.search(subject) or not (late or known or words.FAILURE.search(flat)):
        return False
    names_it = (words.FAILURE_OR_DELAY if late else words.FAILURE_SUBJECT).search(subject) is not None
    listed = is_listed(message) and not _has_null_sender(message)
    proves_it = bool(known or returns or _REPLY.search(text))
    if is_from_machine(message):
        return names_it or (proves_it and not listed and not _ANSWERED.match(subject))
    # Written by anyone: it must name the failure, and look like a notice besides.
    names_somebody = _MAIL.search(flat) is not None and _candidates(text, frozenset())[1]
    return not listed and (names_it or bool(known and returns)) and (proves_it or names_somebody)


def answers_by_hand(message: Message) -> bool:
    """Whether a person seems to answer or forward: the subject says so, and no mail server wrote it."""
    return (
        _ANSWERED.match(mime.field(message, "Subject")) is not None
        and not _has_null_sender(message)
        and message.get_content_type() != "multipart/report"
        and re.search(r"mailer-?daemon", mime.field(message, "From"), re.IGNORECASE) is None
    )


def is_late(subject: str, flat: str) -> bool:
    """Whether a notice says that delivery goes on being tried."""
    head = flat[:_MAX_NOTICE]
    if words.FINAL.search(head):
        return False
    return words.DELAY.search(head) is not None or (
        re.search(r"\b(delay(ed)?|still being retried)\b", subject, re.IGNORECASE) is not None
        and re.search(r"\bfail|undeliverable|returned", subject, re.IGNORECASE) is None
    )


def own_words(message: Message) -> str:
    """What the mail itself says, up to where the returned one begins."""
    text = mime.notice_text(message).replace("\r", "")[:_MAX_NOTICE]
    # A notice may open with a line that names the returned mail.
    start = words.ORIGINAL.search(text, min(len(text), 40))
    return text[: start.start()] if start else text


def rest_of(message: Message) -> str:
    """The returned mail where it stands in the text of the notice."""
    text = mime.notice_text(message).replace("\r", "")
    start = words.ORIGINAL.search(text, min(len(text), 40))
    return text[start.start() :] if start else ""


def recipients(message: Message, text: str, returned: str) -> list[str]:
    """Whom a notice is about: named in its text, or else to whom the returned mail went."""
    sent_to = [address.lower() for address in addressed(returned)]
    named, sure = _candidates(text, frozenset(sent_to))
    found = _plausible(named, message, text) or (named if sure and not sent_to else [])
    among = [address for address in found if address.lower() in sent_to]
    if among and not sure:
        found = among
    elif not sure and len(sent_to) == 1:
        found = sent_to
    return (found or addressed(returned))[:MAX_RECIPIENTS]


def addressed(returned: str) -> list[str]:
    """The addresses in the To field of a returned mail."""
    found = re.search(
        r"^[> \t]{0,4}(?:x-(?:original|envelope)-to|to):(.*(?:\n[ \t].*){0,40})",
        returned,
        re.IGNORECASE | re.MULTILINE,
    )
    return list(dict.fromkeys(ADDRESS.findall(found[1])))[:MAX_RECIPIENTS] if found else []


def around(address: str, text: str) -> str:
    """What a notice says of an address: the reply that it quotes after it, or the words that stand there."""
    at = text.lower().find(address.lower()) if address else -1
    after = text[at : at + 2 * _AROUND] if at >= 0 else text[: 2 * _AROUND]
    for place in (after, text):
        reply = re.search(r"\b[45]\d\d[ -](?!\d\d:)\D?.{0,400}", " ".join(place.split()))
        if reply and not re.match(r"\d{3}[- ](characters|bytes|messages|days|hours)", reply[0]):
            return reply[0].strip()
    before = text[max(0, at - _AROUND) : at] if at >= 0 else ""
    return _excerpt(after) if at < 0 else _excerpt(f"{after[:_AROUND]} {before}")


def _excerpt(text: str) -> str:
    return " ".join(text.split())[: _AROUND * 2]


def _candidates(text: str, sent_to: frozenset[str]) -> tuple[list[str], bool]:
    """Addresses of the surest place that has any, and whether that is a place for recipients alone."""
    for number, place in enumerate(_PLACES):
        found = [
            match[1].strip(".")
            for match in place.finditer(text)
            if number < _SURE_PLACES
            or match[1].lower() in sent_to
            or not _CONTACT.search(text[max(0, match.start(1) - 60) : match.start(1)])
        ]
        found = [address for address in found if not _HELPERS.match(address)]
        if found:
            return list(dict.fromkeys(found)), number < _SURE_PLACES
    return [], False


def _plausible(addresses: list[str], message: Message, text: str) -> list[str]:
    """Without the address that the notice came to or from, and what is none."""
    ends = {find_address(mime.field(message, name)).lower() for name in ("To", "From", "Delivered-To")} - {""}
    lowered = text.lower()
    return [
        address
        for address in addresses
        if find_address(address) == address
        and address.lower() not in ends
        and not _HELPERS.match(address)
        # Some forms name a person without the domain. What is not named at all is of the returned mail.
        and address.lower().partition("@")[0] in lowered
    ]


def _ask_flufl(raw: bytes) -> tuple[list[str], list[str]]:
    """The addresses that failed for now and for good, in order."""
    try:
        temporary, permanent = all_failures(_for_flufl(raw))
    except Exception:
        # Its detectors read mails by anyone, and some trip over malformed ones.
        log.debug("flufl.bounce could not read a mail", exc_info=True)
        return [], []
    first, second = (
        sorted(address.decode("utf-8", "replace") for address in addresses)
        for addresses in (temporary, permanent)
    )
    return first, second


def _for_flufl(raw: bytes) -> Message:
    # As Latin-1, since its detectors trip over fields with bytes that are not ASCII.
    text = mime.bounded(raw, _FLUFL_BYTES, _FLUFL_LINE).decode("latin-1")
    lines = re.sub(r"(\r?\n)(?:[ \t]*\r?\n){2,}", r"\1\1", text).split("\n", _FLUFL_LINES)
    return message_from_string("\n".join(lines[:_FLUFL_LINES]))


def is_from_machine(message: Message) -> bool:
    """Whether a mail server, or another that sends from nobody, seems to have written it."""
    return (
        words.DAEMON.search(mime.field(message, "From")[:500]) is not None
        or _has_null_sender(message)
        or message.get_content_type() == "multipart/report"
    )


def _has_null_sender(message: Message) -> bool:
    if mime.field(message, "Return-Path").replace(" ", "") == "<>":
        return True
    # The line that mailboxes put in front of a mail (RFC 4155).
    return re.match(r"From (<>|MAILER-DAEMON)", message.get_unixfrom() or "", re.IGNORECASE) is not None


def is_listed(message: Message) -> bool:
    """Whether the mail went to a list's subscribers (RFC 2369, RFC 2919)."""
    return any(message.get(name) is not None for name in ("List-Id", "List-Unsubscribe", "List-Post"))
