"""What a mail that comes back is, whom it is about, and which mail it returns. Pure; never raises."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from sidecars import names
from sidecars.broadcasts.states import Reason
from sidecars.deliverability.bounces import automatic, dsn, feedback, mime, notices, notifications
from sidecars.deliverability.bounces.replies import FailureKind, Verdict, judge_reply, reply_code

log = logging.getLogger(__name__)

MailKind = Literal["bounce", "delay", "complaint", "auto_reply", "challenge_response", "unsubscribe", "other"]


@dataclass(frozen=True)
class Inbound:
    """What a mail to the return path says, of one recipient. Strings are empty where it does not say.

    `status` is the enhanced code of a bounce or delay (`5.1.1`), `diagnostic` the remote server's words or
    the type of a complaint, `recipient` the address that the mail is about. `failure` and `reason` say why a
    bounce bounced, `rule` what said so: who read the mail, then the rule of replies.toml.
    """

    kind: MailKind
    status: str = ""
    diagnostic: str = ""
    recipient: str = ""
    rule: str = ""
    failure: FailureKind | None = None
    reason: Reason = Reason.NONE


@dataclass(frozen=True)
class Reading:
    """What a mail is: at least one finding. `message_id` is that of the mail that it returns."""

    findings: tuple[Inbound, ...]
    message_id: str | None = None

    @property
    def is_bounce(self) -> bool:
        """Whether it tells of a recipient whom the mail did not reach and will not."""
        return any(found.kind == "bounce" for found in self.findings)


def read_mail(raw: bytes) -> Reading:
    """What `raw` is. Bounded in time and memory, whatever it holds (see `mime`)."""
    try:
        message = mime.parse(raw)
        findings = tuple(_findings(message, raw))
        return Reading(findings, returned_message_id(message) if findings[0].kind != "other" else None)
    except Exception:
        # Mails by anyone; the libraries that read them are not ours to trust.
        log.warning("a mail could not be read", exc_info=True)
        return Reading((Inbound("other", rule="unreadable"),))


def classify_inbound(raw: bytes) -> list[Inbound]:
    """What `raw`, a mail to a return-path or unsubscribe address, is: one or more. Never raises.

    More than one where it tells of several recipients, as a DSN may (RFC 3464 section 2).
    """
    return list(read_mail(raw).findings)


def _findings(message: Message, raw: bytes) -> Iterable[Inbound]:
    if complaint := feedback.read(message):
        return [_of_complaint(complaint)]
    if found := _of_reports(message):
        return found
    if told := notifications.read(message):
        return [_of_notification(each) for each in told]
    if (disposition := automatic.receipt(message)) is not None:
        return _of_receipt(message, disposition)
    if found := _of_failed_recipients_field(message):
        return found
    if automatic.is_reply(message):
        return [Inbound("auto_reply", recipient=_sender(message), rule="automatic reply")]
    if automatic.is_challenge(message):
        return [Inbound("challenge_response", recipient=_sender(message), rule="challenge")]
    if found := _of_inline_report(message):
        return found
    if notice := notices.read(message, raw):
        return _of_notice(message, notice)
    if automatic.is_generated(message):
        return [Inbound("auto_reply", recipient=_sender(message), rule="Auto-Submitted")]
    if dsn.find_address(mime.field(message, "To")).lower().startswith(names.UNSUBSCRIBE_PREFIX):
        return [Inbound("unsubscribe")]
    return [Inbound("other")]


# --- Complaints, notifications, receipts ---------------------------------------------------------


def _of_complaint(told: feedback.Feedback) -> Inbound:
    # Of the registry (RFC 5965 section 7.3; RFC 6591 for auth-failure) those that are no person's complaint,
    # and opt-out of its first drafts.
    kinds: dict[str, MailKind] = {"not-spam": "other", "auth-failure": "other", "opt-out": "unsubscribe"}
    kind = kinds.get(told.feedback_type, "complaint")
    return Inbound(kind, diagnostic=told.feedback_type, recipient=told.recipient, rule="feedback report")


def _of_notification(told: notifications.Notification) -> Inbound:
    if told.kind == "Complaint":
        return Inbound("complaint", diagnostic="abuse", recipient=told.recipient, rule="ses notification")
    status = dsn.status_in(told.status) or "5.0.0"
    return _bounce(told.recipient, status, [dsn.without_type(told.diagnostic)], "ses notification")


def _of_receipt(message: Message, disposition: str) -> list[Inbound]:
    """RFC 5429 section 2.1.2: a Sieve script's refusal may come as a receipt."""
    text = notices.own_words(message)
    if "automatic" in disposition and re.search(
        r"\b(automatically )?(rejected|refused)\b", text, re.IGNORECASE
    ):
        told = notices.recipients(message, text, mime.returned_text(message)) or [""]
        return [_bounce(address, "5.0.0", [notices.around(address, text)], "receipt") for address in told]
    return [Inbound("auto_reply", recipient=_sender(message), diagnostic=disposition, rule="receipt")]


# --- Reports in standard form ---------------------------------------------------------------------


def _of_reports(message: Message) -> list[Inbound]:
    reports = dsn.attached(message)
    # Some programs forward a bounce with its report as a part of the new mail.
    if notices.answers_by_hand(message) or not any(
        report.action != "other" or report.recipient for report in reports
    ):
        return []
    return _of_dsn(message, reports, "rfc3464")


def _of_inline_report(message: Message) -> list[Inbound]:
    """The fields of a report in the text of a mail that has no part for them."""
    text = mime.notice_text(message)
    if not re.search(r"^[ \t]{0,8}final-recipient[ \t]*:", text, re.IGNORECASE | re.MULTILINE):
        return []
    if not (
        notices.is_from_machine(message)
        and re.search(r"^[ \t]{0,8}action[ \t]*:", text, re.IGNORECASE | re.MULTILINE)
    ):
        return []
    return _of_dsn(message, dsn.read(text), "rfc3464 in text")


def _of_dsn(message: Message, reports: list[dsn.Report], reader: str) -> list[Inbound]:
    text = notices.own_words(message)
    unnamed = _unnamed(message, text) if not all(report.recipient for report in reports) else []
    found = [
        _of_report(report, report.recipient or (unnamed[0] if unnamed else ""), text, reader)
        for report in reports
    ]
    told = [each for each in found if each.kind != "other"]
    return told or found[:1]


def _unnamed(message: Message, text: str) -> list[str]:
    failed = dsn.ADDRESS.findall(mime.fields(message, "X-Failed-Recipients"))
    return failed or notices.recipients(message, text, mime.returned_text(message))


def _of_report(report: dsn.Report, recipient: str, text: str, reader: str) -> Inbound:
    if report.action == "other":
        return Inbound("other", report.status, report.diagnostic, recipient, reader)
    words = [report.diagnostic, notices.around(recipient, text)]
    if report.action == "failed":
        return _bounce(recipient, report.status, words, reader)
    return Inbound("delay", report.status, report.diagnostic or words[1], recipient, reader)


# --- Other forms ------------------------------------------------------------------------------------


def _of_failed_recipients_field(message: Message) -> list[Inbound]:
    """X-Failed-Recipients: Exim, and Google before it wrote DSNs."""
    addresses = dsn.ADDRESS.findall(mime.fields(message, "X-Failed-Recipients"))
    if not addresses:
        return []
    text = notices.own_words(message)
    told = tuple((address, notices.around(address, text)) for address in dict.fromkeys(addresses))
    late = notices.is_late(mime.field(message, "Subject"), " ".join(text.split()))
    return _of_notice(message, notices.Notice(late, "X-Failed-Recipients", told))


def _of_notice(message: Message, notice: notices.Notice) -> list[Inbound]:
    found = []
    for address, said in notice.told:
        status = dsn.status_in(said)
        if notice.late:
            found.append(Inbound("delay", status or "4.0.0", said, address, notice.format))
        else:
            found.append(_bounce(address, status, [said, notices.own_words(message)], notice.format))
    return found


def _bounce(recipient: str, status: str, words: list[str], reader: str) -> Inbound:
    """A bounce, judged by the first of the words that say more than a code."""
    verdict, said = _judged(status, words)
    return Inbound(
        "bounce",
        status or _class_of(words[0]),
        said,
        recipient,
        f"{reader}: {verdict.rule}",
        verdict.kind,
        verdict.reason,
    )


def _judged(status: str, words: list[str]) -> tuple[Verdict, str]:
    first: tuple[Verdict, str] | None = None
    for text in words:
        said = " ".join(text.split())
        code = reply_code(said)
        verdict = judge_reply(code, status or (None if code else "5.0.0"), said)
        if said and not verdict.weak:
            return verdict, said[:1000]
        first = first or (verdict, said[:1000])
    return first or (judge_reply(None, status or "5.0.0", ""), "")


def _class_of(words: str) -> str:
    code = reply_code(words)
    return f"{str(code)[0]}.0.0" if code else "5.0.0"


# --- The mail that came back ---------------------------------------------------------------------------

_OWN_ID = re.compile(
    rf"^[> \t]{{0,8}}{names.HEADER_MESSAGE_ID}[ \t]*:[ \t]*([!-~]{{1,200}})", re.IGNORECASE | re.MULTILINE
)
_MESSAGE_ID = re.compile(
    r"^[> \t]{0,8}(?:original )?message-id[ \t]*:\s{0,4}(<[^<>\s]{1,400}>|[^\s<>]{1,400})",
    re.IGNORECASE | re.MULTILINE,
)


def returned_message_id(message: Message) -> str | None:
    """The id of the returned mail: our own header's, or else its Message-ID as it is written there.

    Where the mail is not returned, the fields that refer to it are asked (Original-Message-ID of RFC 8098,
    In-Reply-To and References of RFC 5322).
    """
    texts = [mime.returned_text(message), mime.notice_text(message)]
    texts += [
        mime.fields_text(part) for part in mime.own_parts(message) if part.get_content_maintype() == "message"
    ]
    for pattern in (
        _OWN_ID,
        _MESSAGE_ID,
        re.compile(r"^original-message-id:\s{0,4}(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE),
    ):
        for text in texts:
            if found := pattern.search(text):
                return found[1]
    for name in ("In-Reply-To", "References"):
        if ids := re.findall(r"<[^<>\s]{1,400}>", mime.field(message, name)):
            return str(ids[-1])
    return None


def _sender(message: Message) -> str:
    return dsn.find_address(mime.field(message, "From"))
