"""The words of notices.toml, as compiled patterns."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Format:
    """A server's own form of notice, known by its opening."""

    name: str
    opening: re.Pattern[str]


def _any(expressions: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(expressions).replace(" ", r"\s"), re.IGNORECASE | re.MULTILINE)


_DATA = tomllib.loads(Path(__file__).with_name("notices.toml").read_text())

DAEMON = _any(_DATA["headers"]["daemon"])
FAILURE_SUBJECT = _any(_DATA["headers"]["failure"])
NOT_A_NOTICE = _any(_DATA["headers"]["not_a_notice"])
AUTO_REPLY_SUBJECT = _any(_DATA["headers"]["auto_reply"])
FAILURE = _any(_DATA["words"]["failure"])
DELAY = _any(_DATA["words"]["delay"])
FAILURE_OR_DELAY = _any([*_DATA["headers"]["failure"], *_DATA["headers"]["delay"]])
FINAL = _any(_DATA["words"]["final"])
CHALLENGE = _any(_DATA["words"]["challenge"])
CHALLENGE_SUBJECT = _any(_DATA["words"]["challenge_subject"])
ORIGINAL = _any(_DATA["original"]["starts"])
FORMATS = tuple(Format(each["name"], _any(each["opening"])) for each in _DATA["format"])
