"""A filter as a sentence, for people: `city is Köln and no click in 90 days`. Pure."""

from sidecars.audiences.segments.language import All, Any_, Compares, Condition, Engaged, HasTag, Known, Not
from sidecars.audiences.segments.language import RecipientOf as Recipient
from sidecars.audiences.segments.operators import FIELDS, OPERATORS, in_words

_NAMES = {
    "email": "address",
    "email_domain": "address's domain",
    "first_name": "first name",
    "last_name": "last name",
    "subscribed_at": "day of subscribing",
    "unsubscribed_at": "day of unsubscribing",
    "created_at": "day of coming in",
}
_NOUNS = {"opened": "open", "clicked": "click", "received": "delivery"}


def describe(condition: Condition, known: Known) -> str:
    """The whole filter in one line; groups within groups are in brackets."""
    return _say(condition, known, denied=False, is_inner=False)


def _say(condition: Condition, known: Known, denied: bool, is_inner: bool) -> str:
    match condition:
        case Not(inner=inner):
            return _say(inner, known, not denied, is_inner)
        case All(all=parts):
            return _joined(parts, known, "and", denied, is_inner)
        case Any_(any=parts):
            return _joined(parts, known, "or", denied, is_inner)
        case Compares(op=op, value=value):
            kind = known.kinds[condition.property] if condition.property else FIELDS[condition.name]
            name = condition.name if condition.property else _NAMES.get(condition.name, condition.name)
            return f"{name} {in_words(OPERATORS[kind][op], value, denied)}"
        case HasTag(tag=tag):
            return f"is not tagged {tag}" if denied else f"is tagged {tag}"
        case Recipient(recipient_of=number):
            return f"is {'no' if denied else 'a'} recipient of broadcast bc_{number}"
        case Engaged():
            return _engaged(condition, denied)


def _joined(parts: list[Condition], known: Known, word: str, denied: bool, is_inner: bool) -> str:
    said = [_say(part, known, False, is_inner=len(parts) > 1) for part in parts]
    together = f" {word} ".join(said)
    if denied:
        return f"not ({together})"
    return f"({together})" if is_inner and len(parts) > 1 else together


def _engaged(asked: Engaged, denied: bool) -> str:
    machines = " (machines count, too)" if asked.signals == "all" else ""
    if denied and asked.at_least == 1:
        return f"no {_NOUNS[asked.engagement]} {_without(asked)}{machines}"
    some = f"at least {asked.at_least}" if asked.at_least > 1 else "any"
    said = f"{asked.engagement} {some} {_among(asked)}{machines}"
    return f"not ({said})" if denied else said


def _among(asked: Engaged) -> str:
    which = _which(asked, "broadcasts" if asked.at_least > 1 else "broadcast")
    return which + (f" in the last {asked.days} days" if asked.days else "")


def _without(asked: Engaged) -> str:
    days = f"in {asked.days} days" if asked.days else ""
    return f"{_which(asked, '')} {days}".strip() or "ever"


def _which(asked: Engaged, otherwise: str) -> str:
    if asked.last_broadcasts:
        return f"of the last {_counted(asked.last_broadcasts)}"
    return f"of {_named(asked.broadcasts)}" if asked.broadcasts else otherwise


def _counted(number: int) -> str:
    return "broadcast" if number == 1 else f"{number} broadcasts"


def _named(ids: list[int]) -> str:
    return ", ".join(f"bc_{number}" for number in ids)
