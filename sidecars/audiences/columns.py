"""What each column of a list means: guessed from its title, and read cell by cell. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sidecars.audiences.csvfile import FileError, unguarded
from sidecars.audiences.properties import PropertyError, guess_kind, property_name, reader
from sidecars.deliverability.addresses import AddressError, checked

EMAIL = "email"
FIRST_NAME = "first_name"
LAST_NAME = "last_name"
TAGS = "tags"
PROPERTY = "properties."
MAX_PERSON_NAME = 120
MAX_TAG = 64
CELLS_KNOWN = 4096
TAG_SEPARATOR = "|"  # the only one in a cell that ends with it, as our own exports have them
TAG_SEPARATORS = re.compile(r"[|,;]")

# Titles as they come out of mailing programs, shops and address books, without marks between the words.
TITLES = {
    EMAIL: (
        "email", "e mail", "mail", "email address", "e mail address", "emailaddress", "e mail adresse",
        "emailadresse", "mailadresse", "adresse e mail", "adresse email", "courriel", "correo",
        "correo electronico", "indirizzo email", "e posta", "subscriber email",
    ),
    FIRST_NAME: (
        "first name", "firstname", "fname", "first", "given name", "givenname", "forename", "vorname",
        "prenom", "nombre", "nome", "voornaam", "fornamn", "imie",
    ),
    LAST_NAME: (
        "last name", "lastname", "lname", "last", "surname", "family name", "familyname", "nachname",
        "familienname", "nom", "nom de famille", "apellido", "apellidos", "cognome", "achternaam",
        "efternamn", "nazwisko",
    ),
    TAGS: ("tags", "tag", "labels", "schlagworte", "etiquettes", "etiquetas"),
}  # fmt: skip
# Columns that we write into files ourselves, and which tell nothing of a person that an import could take.
ERROR_TITLES = ("import_line", "import_column", "import_error")
STATUS_TITLES = ("contact_status", "contact_subscribed_at", "contact_unsubscribed_at", "contact_created_at")
OUR_TITLES = frozenset(ERROR_TITLES + STATUS_TITLES)
_MEANINGS = {title: target for target, titles in TITLES.items() for title in titles}


class RowError(ValueError):
    """A row that cannot be taken in, as `field` (a column's title) does not hold what it must."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Person:
    """One row, read. What the row leaves empty is "", or absent from `properties`."""

    email: str
    first_name: str = ""
    last_name: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def over(self, earlier: "Person") -> "Person":
        """This row laid over an earlier one of the same person: what is filled here wins."""
        return Person(
            self.email,
            self.first_name or earlier.first_name,
            self.last_name or earlier.last_name,
            earlier.properties | self.properties,
            tuple(dict.fromkeys(earlier.tags + self.tags)),
        )


def guess_mapping(titles: Sequence[str]) -> dict[str, str | None]:
    """Title → `email`, `first_name`, `last_name`, `tags`, `properties.<name>`, or None (left out).

    The first column that can be an email is it; a later one becomes a property, and so for the others. A
    title may be a target itself: `properties.city`. Columns of OUR_TITLES are left out.
    """
    mapping: dict[str, str | None] = {}
    for title in titles:
        if title in OUR_TITLES:
            mapping[title] = None
            continue
        name = property_name(title.removeprefix(PROPERTY))
        target = None if title.startswith(PROPERTY) else _MEANINGS.get(name.replace("_", " "))
        if target is None or target in mapping.values():
            target = f"{PROPERTY}{name}" if name else None
        mapping[title] = None if target in mapping.values() else target
    return mapping


def check_mapping(titles: Sequence[str], mapping: Mapping[str, str | None]) -> None:
    """Raises FileError where the mapping does not suit the titles: unknown, doubled, or without an email."""
    named = [title for title in titles if title]
    doubled = {title for title in named if named.count(title) > 1}
    if doubled:
        raise FileError(f"Two columns are named “{sorted(doubled)[0]}”. Rename one.")
    if any("@" in title for title in titles):
        raise FileError("The first row holds an address; it must name the columns, such as “email”.")
    unknown = [title for title in mapping if title not in titles]
    if unknown:
        raise FileError(f"The mapping names a column “{unknown[0]}” which the file does not have.")
    targets = [target for target in mapping.values() if target is not None]
    for target in targets:
        is_property = target.startswith(PROPERTY) and property_name(target[len(PROPERTY) :])
        if not is_property and target not in TITLES:
            raise FileError(f"“{target}” is no target; there are {', '.join(TITLES)} and {PROPERTY}<name>.")
        if targets.count(target) > 1:
            raise FileError(f"Two columns are mapped to {target}.")
    if EMAIL not in targets:
        raise FileError(f"No column is the email address; there are: {', '.join(titles)}.")


class Columns:
    """Reads rows by a mapping and the kinds of its properties."""

    def __init__(
        self, titles: Sequence[str], mapping: Mapping[str, str | None], kinds: Mapping[str, str]
    ) -> None:
        check_mapping(titles, mapping)
        targets = [mapping.get(title) for title in titles]
        self.email = targets.index(EMAIL)
        self._titles = titles
        self._first_name = _place(targets, FIRST_NAME)
        self._last_name = _place(targets, LAST_NAME)
        self._tags = _place(targets, TAGS)
        self._properties: list[tuple[int, str, Callable[[str], Any]]] = [
            (place, name, _cell_reader(kinds[name])) for place, name in property_places(targets)
        ]

    def read(self, cells: list[str], problem: str = "") -> Person:
        """The person of a row. Raises RowError for the row's problem, or the first cell that does not fit."""
        if problem:
            raise RowError("", problem)
        try:
            email = checked(unguarded(cells[self.email]))
        except AddressError as error:
            raise RowError(self._titles[self.email], str(error)) from error
        properties = {}
        for place, name, read in self._properties:
            if cell := cells[place]:
                try:
                    properties[name] = read(cell)
                except PropertyError as error:
                    raise RowError(self._titles[place], str(error)) from error
        return Person(
            email,
            self._name(cells, self._first_name),
            self._name(cells, self._last_name),
            properties,
            self._tag_names(cells, self._tags),
        )

    def _name(self, cells: list[str], place: int | None) -> str:
        if place is None or not cells[place]:
            return ""
        name = " ".join(unguarded(cells[place]).split())
        if len(name) > MAX_PERSON_NAME:
            raise RowError(self._titles[place], f"is longer than {MAX_PERSON_NAME} characters")
        return name

    def _tag_names(self, cells: list[str], place: int | None) -> tuple[str, ...]:
        if place is None or not cells[place]:
            return ()
        cell = unguarded(cells[place])
        parts = cell.split(TAG_SEPARATOR) if cell.endswith(TAG_SEPARATOR) else TAG_SEPARATORS.split(cell)
        names = [name.strip() for name in parts]
        if any(len(name) > MAX_TAG for name in names):
            raise RowError(self._titles[place], f"a tag is longer than {MAX_TAG} characters")
        return tuple(dict.fromkeys(filter(None, names)))


def guess_kinds(
    titles: Sequence[str], mapping: Mapping[str, str | None], rows: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Property name → kind that fits every one of `rows`."""
    targets = [mapping.get(title) for title in titles]
    return {name: guess_kind(row[place] for row in rows) for place, name in property_places(targets)}


def property_places(targets: Sequence[str | None]) -> list[tuple[int, str]]:
    """(column's index, property's name) of those columns that are properties."""
    return [
        (place, target[len(PROPERTY) :])
        for place, target in enumerate(targets)
        if target is not None and target.startswith(PROPERTY)
    ]


def _cell_reader(kind: str) -> Callable[[str], Any]:
    """The fastest way to read such cells. Of some kinds few are different, and need reading once."""
    read = reader(kind)
    if kind in ("text", "list"):
        return lambda cell: read(unguarded(cell) if cell[0] == "'" else cell)
    return read if kind == "date" else lru_cache(CELLS_KNOWN)(read)


def _place(targets: Sequence[str | None], target: str) -> int | None:
    return targets.index(target) if target in targets else None
