"""The filter language: JSON in, conditions out, or errors that name the place. No I/O but by `Known`.

docs/segments.md describes it. A condition says of each contact either true or false, never “unknown”.
"""

import builtins
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sidecars.audiences.segments.operators import FIELDS, OPERATORS, Operator

VERSION = 1
DEEPEST = 6
MOST_CONDITIONS = 100
MOST_BROADCASTS = 100

Json = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing wrong; `place` is such as `filter.all.2.value`."""

    place: str
    message: str


class FilterError(ValueError):
    """A filter that says nothing, or speaks of what there is not; `problems` holds all that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{each.place}: {each.message}" for each in problems))
        self.problems = problems


def _anything(_: Any) -> bool:
    return True


@dataclass(frozen=True)
class Known:
    """What a filter may speak of: the audience's properties by kind, its tags, and broadcasts by id.

    `went_here`: the broadcast is one to this audience; `is_ours`: the team's.
    """

    kinds: Mapping[str, str]
    has_tag: Callable[[str], bool] = _anything
    went_here: Callable[[int], bool] = _anything
    is_ours: Callable[[int], bool] = _anything


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class All(_Node):
    """Every one of them holds."""

    all: Annotated[list["Condition"], Field(min_length=1)]


class Any_(_Node):
    """At least one of them holds."""

    any: Annotated[list["Condition"], Field(min_length=1)]


class Not(_Node):
    """It does not hold."""

    inner: Annotated["Condition", Field(alias="not")]


class Compares(_Node):
    """An operator on one of the audience's properties, or on a field that every contact has."""

    property: str = ""
    field: str = ""
    op: str
    value: Any = Field(None, validate_default=True)

    @builtins.property
    def name(self) -> str:
        """Of the property or field."""
        return self.property or self.field

    @field_validator("property")
    @classmethod
    def _declared(cls, name: str, info: ValidationInfo) -> str:
        return _among(name, _known(info).kinds, "property")

    @field_validator("field")
    @classmethod
    def _there(cls, name: str) -> str:
        return _among(name, FIELDS, "field")

    @field_validator("op")
    @classmethod
    def _for_kind(cls, op: str, info: ValidationInfo) -> str:
        kind = _kind(info)
        if kind and op not in OPERATORS[kind]:
            raise ValueError(f"of a {kind} one asks {', '.join(OPERATORS[kind])}")
        return op

    @field_validator("value")
    @classmethod
    def _fits(cls, value: Any, info: ValidationInfo) -> Any:
        kind, op = _kind(info), info.data.get("op")
        return _value(op, OPERATORS[kind][op], value) if kind and op else value


class HasTag(_Node):
    """It bears the tag."""

    tag: Annotated[str, StringConstraints(min_length=1, max_length=64)]

    @field_validator("tag")
    @classmethod
    def _there(cls, name: str, info: ValidationInfo) -> str:
        if not _known(info).has_tag(name):
            raise ValueError(f"the audience has no tag “{name}”; make it first if it is yet to be given")
        return name


_BROADCAST = re.compile(r"bc_([1-9][0-9]{0,9})", re.ASCII)


def _broadcast_id(value: Any) -> int:
    found = _BROADCAST.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) >= 2**32:
        raise ValueError("must be a broadcast's id such as “bc_12”")
    return int(found[1])


BroadcastId = Annotated[int, BeforeValidator(_broadcast_id)]


class Engaged(_Node):
    """It opened, clicked or received (and did not bounce) at least so many of the audience's broadcasts.

    Of the last so many, of those named, or of those whose event is at most `days` days old; else of any.
    """

    engagement: Literal["opened", "clicked", "received"]
    last_broadcasts: Annotated[int, Field(ge=1, le=MOST_BROADCASTS)] | None = None
    broadcasts: Annotated[list[BroadcastId], Field(min_length=1, max_length=MOST_BROADCASTS)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    at_least: Annotated[int, Field(ge=1, le=1000)] = 1
    signals: Literal["people", "all"] | None = None

    @field_validator("broadcasts")
    @classmethod
    def _went_here(cls, ids: list[int] | None, info: ValidationInfo) -> list[int] | None:
        for number in ids or ():
            if not _known(info).went_here(number):
                raise ValueError(f"no broadcast bc_{number} went to this audience")
        return ids

    @field_validator("at_least")
    @classmethod
    def _possible(cls, number: int, info: ValidationInfo) -> int:
        last, named = info.data.get("last_broadcasts"), info.data.get("broadcasts")
        most = last or len(set(named or ())) or number
        if number > most:
            raise ValueError(f"there are only {most} broadcasts to choose from")
        return number

    @field_validator("signals")
    @classmethod
    def _told_apart(cls, signals: str | None, info: ValidationInfo) -> str | None:
        if signals and info.data.get("engagement") == "received":
            raise ValueError("only opens and clicks are told apart by who made them")
        return signals

    @model_validator(mode="after")
    def _one_span(self) -> "Engaged":
        if self.last_broadcasts is not None and self.broadcasts is not None:
            raise ValueError("give `last_broadcasts` or `broadcasts`, not both")
        return self


class RecipientOf(_Node):
    """A broadcast was written to the same address, whether it arrived or not; any of the team's."""

    recipient_of: BroadcastId

    @field_validator("recipient_of")
    @classmethod
    def _ours(cls, number: int, info: ValidationInfo) -> int:
        if not _known(info).is_ours(number):
            raise ValueError(f"you have no broadcast bc_{number}")
        return number


_KINDS: Mapping[str, type[_Node]] = {
    "all": All,
    "any": Any_,
    "not": Not,
    "property": Compares,
    "field": Compares,
    "tag": HasTag,
    "engagement": Engaged,
    "recipient_of": RecipientOf,
}
# Marks of the union that pydantic puts into an error's place, told from what is in the JSON.
_MARK = "<{}>"


def _which(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [name for name in _KINDS if name in value]
        if len(found) == 1:
            return _MARK.format(found[0])
    return None


Condition = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[Any_, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Compares, Tag("<property>")]
    | Annotated[Compares, Tag("<field>")]
    | Annotated[HasTag, Tag("<tag>")]
    | Annotated[Engaged, Tag("<engagement>")]
    | Annotated[RecipientOf, Tag("<recipient_of>")],
    Discriminator(
        _which,
        custom_error_type="condition",
        custom_error_message=f"must be an object with exactly one of {', '.join(_KINDS)}",
    ),
]
for _group in (All, Any_, Not):
    _group.model_rebuild()
_READER: TypeAdapter[Condition] = TypeAdapter(Condition)


def read(given: Any, known: Known, place: str = "filter") -> Condition:
    """The condition that the JSON says. Raises FilterError with all that is wrong, named below `place`."""
    _measure(given, place)
    try:
        return _READER.validate_python(given, context=known)
    except ValidationError as error:
        problems = [
            Problem(_place(place, each["loc"]), each["msg"].removeprefix("Value error, "))
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise FilterError(problems) from error


def _place(place: str, where: tuple[int | str, ...]) -> str:
    marks = {_MARK.format(name) for name in _KINDS}
    return ".".join([place, *(str(part) for part in where if part not in marks)])


def _measure(given: Any, place: str) -> None:
    """Before anything else is done with it: no deeper and no larger than a filter may be."""
    for count, (where, depth) in enumerate(_groups(given, place, 1), 1):
        if depth > DEEPEST:
            raise FilterError([Problem(where, f"is more than {DEEPEST} groups deep")])
        if count > MOST_CONDITIONS:
            raise FilterError([Problem(where, f"is the one too many: a filter has {MOST_CONDITIONS} parts")])


def _groups(given: Any, place: str, depth: int) -> Iterator[tuple[str, int]]:
    yield place, depth
    if depth > DEEPEST or not isinstance(given, dict):
        return
    for name in ("all", "any"):
        if isinstance(given.get(name), list):
            for index, inner in enumerate(given[name]):
                yield from _groups(inner, f"{place}.{name}.{index}", depth + 1)
    if "not" in given:
        yield from _groups(given["not"], f"{place}.not", depth + 1)


def _known(info: ValidationInfo) -> Known:
    if not isinstance(info.context, Known):
        raise TypeError("a filter is read against what is known of its audience")
    return info.context


def _among(name: str, names: Mapping[str, str], what: str) -> str:
    if name in names:
        return name
    near = get_close_matches(name, names, 3) or sorted(names)[:10]
    hint = f"; there is {', '.join(near)}" if near else ""
    raise ValueError(f"there is no {what} “{name[:64]}”{hint}")


def _kind(info: ValidationInfo) -> str | None:
    """Of what is compared; None where its name is already found wrong."""
    if info.data.get("property"):
        return _known(info).kinds[info.data["property"]]
    return FIELDS.get(info.data.get("field", ""))


def _value(name: str, operator: Operator, value: Any) -> Any:
    if operator.value is None:
        if value is not None:
            raise ValueError(f"“{name}” takes no value")
        return None
    try:
        return operator.value.validate_python(value)
    except ValidationError as error:
        raise ValueError(f"“{name}” takes {operator.takes}") from error
