"""How much of the corpus is read right, by us and by flufl.bounce alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes

from flufl.bounce import scan_message

from sidecars.deliverability.bounces import read_mail
from tests.corpus import FAMILIES, Mail, mails

Reader = Callable[[Mail], frozenset[str]]


@dataclass(frozen=True)
class Score:
    """Of `mails`, in how many a reader named exactly the recipients who failed: nobody, where none did."""

    group: str
    mails: int
    ours: int
    flufls: int


def failed_by_us(mail: Mail) -> frozenset[str]:
    """The recipients who failed, as this project reads the mail."""
    return frozenset(found.recipient for found in read_mail(mail.raw).findings if found.kind == "bounce")


def failed_by_flufl(mail: Mail) -> frozenset[str]:
    """The recipients who failed for good, as flufl.bounce alone reads the mail."""
    try:
        found = scan_message(message_from_bytes(mail.raw))
    except Exception:
        return frozenset({"(an exception)"})
    return frozenset(address.decode("utf-8", "replace") for address in found)


def is_right(mail: Mail, named: frozenset[str]) -> bool:
    """Whether a reader named those who failed."""
    return {address.lower() for address in named} == {address.lower() for address in mail.failed}


def kinds_by_us(mail: Mail) -> Mapping[str, str | None]:
    """Why each recipient failed, as this project reads the mail."""
    return {
        found.recipient: found.failure for found in read_mail(mail.raw).findings if found.kind == "bounce"
    }


def scores() -> list[Score]:
    """A score for the bounces of each module of the corpus, then one for each other kind of mail."""
    grouped = [
        (family.__name__.rpartition(".")[2], [mail for mail in family.mails() if mail.what == "bounce"])
        for family in FAMILIES
    ]
    others = sorted({mail.what for mail in mails()} - {"bounce"})
    grouped += [(f"no bounce: {what}", [mail for mail in mails() if mail.what == what]) for what in others]
    return [_score(group, its) for group, its in grouped if its]


def _score(group: str, its: Sequence[Mail]) -> Score:
    return Score(
        group,
        len(its),
        sum(is_right(mail, failed_by_us(mail)) for mail in its),
        sum(is_right(mail, failed_by_flufl(mail)) for mail in its),
    )


def table() -> str:
    """The scores, as docs/bounces.md shows them."""
    lines = [f"{'':<30}{'mails':>7}{'by us':>8}{'flufl.bounce alone':>21}"]
    lines += [f"{each.group:<30}{each.mails:>7}{each.ours:>8}{each.flufls:>21}" for each in scores()]
    bounces = [each for each in scores() if not each.group.startswith("no bounce")]
    total, ours, flufls = (
        sum(getattr(each, name) for each in bounces) for name in ("mails", "ours", "flufls")
    )
    servers = len({mail.server for mail in mails() if mail.what == "bounce"})
    lines += [
        f"{'all bounces':<30}{total:>7}{ours:>8}{flufls:>21}",
        f"{'':<30}{'':>7}{ours / total:>8.1%}{flufls / total:>21.1%}",
        f"{servers} kinds of servers bounce here.",
    ]
    return "\n".join(lines)
