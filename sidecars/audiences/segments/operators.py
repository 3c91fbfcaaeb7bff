"""What can be asked of a value of each kind: the operators, what they take, and how they read. Pure.

Days are UTC's. Text is compared in lower case, accents and spaces as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter

from sidecars.audiences.properties import MAX_NUMBER, MAX_TEXT

MOST_VALUES = 500
MOST_DAYS = 36_500


def _day(value: Any) -> date:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("not a day")
    return date.fromisoformat(value)


def _in_order(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    if pair[0] > pair[1]:
        raise ValueError("the larger comes second")
    return pair


def _takes(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True))


_Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
_Bound = Field(gt=-MAX_NUMBER, lt=MAX_NUMBER)
_Number = Annotated[int, _Bound] | Annotated[float, _Bound]
_Day = Annotated[date, BeforeValidator(_day)]
_Status = Literal["subscribed", "unsubscribed", "pending"]
# JSON has no tuples: a list of two is one.
_PAIR = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
_MANY = Field(min_length=1, max_length=MOST_VALUES)


@dataclass(frozen=True)
class Operator:
    """`value` reads what it takes, described by `takes`; None: it takes none.

    `says` and `denies` follow the name of what is asked about: `is {}`, `is not {}`.
    """

    takes: str
    value: TypeAdapter[Any] | None
    says: str
    denies: str


_TEXT = _takes(_Text), "a text that is not empty"
_TEXTS = _takes(Annotated[list[_Text], _MANY]), f"a list of 1 to {MOST_VALUES} texts"
_NUMBER = _takes(_Number), "a number"
_NUMBERS = (
    _takes(Annotated[tuple[_Number, _Number], _PAIR, AfterValidator(_in_order)]),
    "two numbers, the smaller first",
)
_DAY = _takes(_Day), "a day such as “2026-11-24”"
_DAYS = (
    _takes(Annotated[tuple[_Day, _Day], _PAIR, AfterValidator(_in_order)]),
    "two days such as “2026-11-24”, the earlier first",
)
_SPAN = _takes(Annotated[int, Field(ge=0, le=MOST_DAYS)]), f"a whole number of days, 0 to {MOST_DAYS}"
_YEAR = _takes(Annotated[int, Field(ge=0, le=365)]), "a whole number of days, 0 to 365; 0 is today"
_TRUTH = _takes(bool), "true or false"
_STATUS = _takes(_Status), "“subscribed”, “unsubscribed” or “pending”"
_STATUSES = _takes(Annotated[list[_Status], _MANY]), "a list of “subscribed”, “unsubscribed”, “pending”"


def _op(value: tuple[TypeAdapter[Any], str], says: str, denies: str) -> Operator:
    return Operator(value[1], value[0], says, denies)


_EMPTY = Operator("no value", None, "is empty", "is not empty")

OPERATORS: Mapping[str, Mapping[str, Operator]] = {
    "text": {
        "equals": _op(_TEXT, "is {}", "is not {}"),
        "contains": _op(_TEXT, "contains {}", "does not contain {}"),
        "starts_with": _op(_TEXT, "starts with {}", "does not start with {}"),
        "ends_with": _op(_TEXT, "ends with {}", "does not end with {}"),
        "in": _op(_TEXTS, "is one of {}", "is none of {}"),
        "empty": _EMPTY,
    },
    "number": {
        "equals": _op(_NUMBER, "is {}", "is not {}"),
        "less_than": _op(_NUMBER, "is less than {}", "is not less than {}"),
        "at_most": _op(_NUMBER, "is at most {}", "is not at most {}"),
        "more_than": _op(_NUMBER, "is more than {}", "is not more than {}"),
        "at_least": _op(_NUMBER, "is at least {}", "is not at least {}"),
        "between": _op(_NUMBERS, "is {} to {}", "is not {} to {}"),
        "empty": _EMPTY,
    },
    "date": {
        "on": _op(_DAY, "is {}", "is not {}"),
        "before": _op(_DAY, "is before {}", "is not before {}"),
        "after": _op(_DAY, "is after {}", "is not after {}"),
        "between": _op(_DAYS, "is {} to {}", "is not {} to {}"),
        "in_last_days": _op(_SPAN, "is in the last {} days", "is not in the last {} days"),
        "in_next_days": _op(_SPAN, "is in the next {} days", "is not in the next {} days"),
        "more_than_days_ago": _op(_SPAN, "is more than {} days ago", "is not more than {} days ago"),
        "anniversary_in_days": _op(_YEAR, "has its anniversary in {} days", "has no anniversary in {} days"),
        "empty": _EMPTY,
    },
    "boolean": {"equals": _op(_TRUTH, "is {}", "is not {}"), "empty": _EMPTY},
    "list": {
        "contains_any": _op(_TEXTS, "has any of {}", "has none of {}"),
        "contains_all": _op(_TEXTS, "has all of {}", "does not have all of {}"),
        "empty": _EMPTY,
    },
    "status": {
        "equals": _op(_STATUS, "is {}", "is not {}"),
        "in": _op(_STATUSES, "is one of {}", "is none of {}"),
    },
}

# What each contact has, beside its audience's properties; by kind.
FIELDS: Mapping[str, str] = {
    "email": "text",
    "email_domain": "text",
    "first_name": "text",
    "last_name": "text",
    "status": "status",
    "subscribed_at": "date",
    "unsubscribed_at": "date",
    "created_at": "date",
}


def in_words(operator: Operator, value: Any, denied: bool) -> str:
    """The part of a sentence behind the name: `is one of Köln, Bonn`."""
    words = operator.denies if denied else operator.says
    shown = [_shown(each) for each in value] if isinstance(value, tuple) else [_shown(value)]
    return words.format(*shown)


_SHOWN: Mapping[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    list: ", ".join,
    float: lambda value: f"{value:g}" if abs(value) < 1e6 else str(value),
}


def _shown(value: Any) -> str:
    return _SHOWN.get(type(value), str)(value)
