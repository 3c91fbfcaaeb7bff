"""Ids on the command line: `bc_12` as the API shows them, or the number alone, as logs and MySQL have it."""

import re
from typing import Any

import click


class Id(click.ParamType["int"]):
    """A row's number, written with its prefix or without."""

    name = "id"

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Fails with a word of what an id looks like."""
        found = re.fullmatch(rf"(?:{self._prefix}_)?(\d{{1,19}})", str(value), re.ASCII)
        if found is None:
            self.fail(f"“{value}” is no id such as {self._prefix}_12 or 12.", param, ctx)
        return int(found[1])


BROADCAST = Id("bc")
TEAM = Id("team")
