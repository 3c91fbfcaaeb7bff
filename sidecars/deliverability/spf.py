"""SPF as a receiver reads it (RFC 7208): which record counts, what it includes, what it costs to read."""

import re
from dataclasses import dataclass

from sidecars.deliverability.dns_lookup import LookUp

# RFC 7208, 4.6.4: receivers give up with permerror above either.
MAX_LOOKUPS = 10
MAX_VOID_LOOKUPS = 2
# Where our own counting stops: a record that leads on and on is wrong at the eleventh already.
_ENOUGH = 40

# A mechanism or modifier, and what stands behind a slash: the length of a prefix (RFC 7208, 12).
_TERM = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[a-z][\w.-]*)(?:[:=](?P<value>[^/]*))?(?:/.*)?", re.ASCII)
_ASKS = {"include", "a", "mx", "ptr", "exists", "redirect"}


@dataclass
class Reading:
    """What following a record showed. `problem`: why a receiver would ignore it all; "" where none would."""

    lookups: int = 0
    voids: int = 0
    reached: bool = False
    problem: str = ""


def records_in(found: list[str]) -> list[str]:
    """The SPF records among TXT records (RFC 7208, 4.5)."""
    return [text for text in found if re.match(r"v=spf1(\s|$)", text, re.IGNORECASE)]


def judge(name: str, mechanism: str, look_up: LookUp) -> str:
    """What is wrong with the SPF record of `name`, which must allow `mechanism` (`a:mx.example`), or ""."""
    records = records_in(found := look_up(name, "TXT"))
    if not records:
        instead = f' Found instead: "{found[0][:100]}".' if found else ""
        return f"There is no SPF record at {name}.{instead}"
    reading = read(name, mechanism, look_up)
    if reading.problem:
        return f"{reading.problem} Receivers then ignore the record."
    if not reading.reached:
        return f'The SPF record "{records[0]}" lacks {mechanism}, so our servers are not allowed to send.'
    return ""


def read(name: str, mechanism: str, look_up: LookUp) -> Reading:
    """Follows the record of `name` to its end. `reached`: `mechanism` is met on the way, as a pass."""
    reading = Reading()
    _follow(name, mechanism.lower(), look_up, reading, (name.lower(),))
    if not reading.problem and reading.lookups > MAX_LOOKUPS:
        reading.problem = (
            f"The SPF record of {name} takes {reading.lookups} DNS look-ups, and {MAX_LOOKUPS} are allowed: "
            "remove includes that nobody uses, or replace them by ip4: and ip6:."
        )
    if not reading.problem and reading.voids > MAX_VOID_LOOKUPS:
        reading.problem = (
            f"{reading.voids} names in the SPF record of {name} do not exist, and {MAX_VOID_LOOKUPS} are "
            "allowed: remove them."
        )
    return reading


def _follow(name: str, mechanism: str, look_up: LookUp, reading: Reading, path: tuple[str, ...]) -> None:
    records = records_in(look_up(name, "TXT"))
    if len(records) != 1:
        reading.problem = reading.problem or (
            f"There are {len(records)} SPF records at {name}; merge them into one."
            if records
            else f"{path[-2] if len(path) > 1 else name} includes {name}, which has no SPF record."
        )
        return
    redirect = ""
    for term in records[0].lower().split()[1:]:
        parsed = _TERM.fullmatch(term)
        if parsed is None:
            reading.problem = reading.problem or f'"{term}" in the SPF record of {name} is not understood.'
            return
        qualifier, kind, value = parsed["qualifier"], parsed["name"], parsed["value"] or ""
        if term.removeprefix("+") == mechanism:
            reading.reached = True
        if kind == "all":
            return  # nothing behind it is ever read, a redirect neither (RFC 7208, 5.1)
        if kind not in _ASKS:
            continue
        if kind == "redirect":
            redirect = value
            continue
        reading.lookups += 1
        if reading.lookups > _ENOUGH:
            return
        if kind == "include":
            _lead_on(value, mechanism if qualifier in ("", "+") else "", look_up, reading, path)
        elif kind in ("a", "mx"):
            target = value or name
            if "%" not in target and not _exists(target, kind, look_up):
                reading.voids += 1
    if redirect:
        reading.lookups += 1
        _lead_on(redirect, mechanism, look_up, reading, path)


def _lead_on(name: str, mechanism: str, look_up: LookUp, reading: Reading, path: tuple[str, ...]) -> None:
    if "%" in name:
        return  # a macro: where it leads depends on the mail
    if name in path:
        reading.problem = reading.problem or f"The SPF record of {path[0]} includes {name} within itself."
        return
    _follow(name, mechanism, look_up, reading, (*path, name))


def _exists(target: str, kind: str, look_up: LookUp) -> bool:
    if kind == "mx":
        return bool(look_up(target, "MX"))
    return bool(look_up(target, "A") or look_up(target, "AAAA"))
