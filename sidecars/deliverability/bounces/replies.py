"""What a refusal means: one judgement for SMTP replies and for the diagnostics of DSNs. Pure.

The rules and their sources are in replies.toml.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sidecars.broadcasts.states import Reason

FailureKind = Literal["hard", "soft", "block", "mailbox_full", "policy", "rate", "content", "dns"]

# What a permanent refusal does to the ledger. A transient one was tried until its time was over.
_REASONS: Mapping[FailureKind, Reason] = {
    "hard": Reason.HARD_BOUNCE,
    "dns": Reason.HARD_BOUNCE,
    "mailbox_full": Reason.MAILBOX_FULL,
    "block": Reason.BLOCKED,
    "policy": Reason.BLOCKED,
    "content": Reason.BLOCKED,
    "rate": Reason.BLOCKED,
    "soft": Reason.SOFT_BOUNCE_EXPIRED,
}
_TRANSIENT = 4
_MAX_TEXT = 1000


class Verdict(NamedTuple):
    """What a refusal says. `weak`: its code says so alone, its words say nothing."""

    kind: FailureKind
    reason: Reason
    rule: str
    weak: bool


@dataclass(frozen=True)
class _Rule:
    name: str
    kind: FailureKind
    reason: Reason | None
    weak: bool
    reply_class: int | None
    codes: frozenset[int]
    enhanced: tuple[str, ...]
    text: re.Pattern[str] | None

    def fits(self, reply_class: int, code: int, enhanced: str, text: str) -> bool:
        return (
            self.reply_class in (None, reply_class)
            and (not self.codes or code in self.codes)
            and (not self.enhanced or any(_covers(known, enhanced) for known in self.enhanced))
            and (self.text is None or self.text.search(text) is not None)
        )

    def verdict(self, reply_class: int) -> Verdict:
        reason = self.reason or _REASONS[self.kind]
        if reply_class == _TRANSIENT and reason is not Reason.MAILBOX_FULL:
            reason = Reason.SOFT_BOUNCE_EXPIRED
        return Verdict(self.kind, reason, self.name, self.weak)


def _covers(known: str, enhanced: str) -> bool:
    return enhanced.startswith(known) if known.endswith(".") else enhanced == known


def _rules() -> Iterator[_Rule]:
    for rule in _data():
        yield _Rule(
            rule["name"],
            rule["kind"],
            Reason[rule["reason"].upper()] if "reason" in rule else None,
            rule.get("weak", False),
            rule.get("class"),
            frozenset(rule.get("code", ())),
            tuple(rule.get("enhanced", ())),
            re.compile("|".join(rule["text"]), re.IGNORECASE) if "text" in rule else None,
        )


def _data() -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("replies.toml").read_text())["rule"]
    return data


_RULES = tuple(_rules())


@lru_cache(maxsize=4096)
def judge_reply(code: int | None, enhanced: str | None, text: str) -> Verdict:
    """What a refusal says, and the rule of replies.toml that says so.

    `code` is the reply code (RFC 5321), None where no server answered; `enhanced` the status code (RFC 3463);
    of `text` the first thousand characters count.
    """
    class_digit, _, detail = (enhanced or "").partition(".")
    reply_class = int(class_digit) if class_digit in ("2", "4", "5") else (code or 0) // 100
    words = text[:_MAX_TEXT]
    rule = next(rule for rule in _RULES if rule.fits(reply_class, code or 0, detail, words))
    return rule.verdict(reply_class)


def classify_reply(code: int | None, enhanced: str | None, text: str) -> Reason:
    """Why a mail was refused for good: HARD_BOUNCE, MAILBOX_FULL, BLOCKED, NEEDS_SMTPUTF8
    or SOFT_BOUNCE_EXPIRED. Takes what `judge_reply` takes.
    """
    return judge_reply(code, enhanced, text).reason


def reply_code(diagnostic: str) -> int | None:
    """The SMTP reply code at the start of a diagnostic, if it has one."""
    match = re.match(r"\s*([245]\d\d)\b", diagnostic)
    return int(match[1]) if match else None
