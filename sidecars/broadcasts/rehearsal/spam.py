"""A spam filter's word, where one is installed: SpamAssassin or rspamd, by the text alone."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import NamedTuple

import orjson

from sidecars.broadcasts.rehearsal.findings import Finding, Status, skipped
from sidecars.broadcasts.rehearsal.mail import RehearsedMail
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.edge.submit import NotSigned

SECONDS = 60
RULES_SHOWN = 8
# ` 2.7 DEAR_FRIEND  BODY: Dear Friend?`, and before the table `(12.0 points, 5.0 required)` or `12.0/5.0`.
_POINTS = re.compile(rb"\((-?[\d.]+) points, (-?[\d.]+) required\)|^(-?[\d.]+)/(-?[\d.]+)\s*$", re.MULTILINE)
_RULE = re.compile(rb"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\s+(.*)$", re.MULTILINE)

# What rspamd would do; whatever else it says marks or refuses the mail.
_ACTIONS = {"no action": Status.PASSED, "greylist": Status.WARNING, "soft reject": Status.WARNING}


class Rule(NamedTuple):
    """One that hit."""

    points: float
    name: str
    says: str


class Verdict(NamedTuple):
    """`limit`: of points, from which on it is spam (SpamAssassin), or refused (rspamd)."""

    filter: str
    points: float
    limit: float
    status: Status
    rules: list[Rule]


def judged(rehearsal: Rehearsal) -> Iterator[Finding]:
    """SpamAssassin or rspamd, where one is installed: its points, and the rules that gave them."""
    for mail in rehearsal.mails:
        octets = _as_received(mail)
        verdict = next((found for ask in FILTERS if (found := ask(octets)) is not None), None)
        if verdict is None:
            yield skipped(
                "No spam filter answers here.", "apt-get install spamassassin, or rspamd.", mail.place
            )
            return
        yield _finding(verdict, mail.place)


def _spamc(mail: bytes) -> Verdict | None:
    """SpamAssassin's daemon."""
    report = _run(["spamc", "-R", "-x"], mail)
    return _report("SpamAssassin (spamd)", report) if report else None


def _spamassassin(mail: bytes) -> Verdict | None:
    """SpamAssassin itself, which takes two seconds to start. No network, nothing learned."""
    command = ["spamassassin", "--local", "--test-mode", "--nocreate-prefs", "--cf=use_bayes 0"]
    report = _run(command, mail)
    return _report("SpamAssassin", report) if report else None


def _rspamd(mail: bytes) -> Verdict | None:
    report = _run(["rspamc", "--json", "symbols"], mail)
    return _json_report(report) if report else None


def _json_report(report: bytes) -> Verdict | None:
    """Of rspamd."""
    try:
        found = orjson.loads(report)
    except orjson.JSONDecodeError:
        return None  # rspamc is there, its daemon is not
    rules = [
        Rule(symbol["score"], name, symbol.get("description", ""))
        for name, symbol in found["symbols"].items()
    ]
    status = _ACTIONS.get(found["action"], Status.FAILURE)
    return Verdict("rspamd", found["score"], found["required_score"], status, rules)


FILTERS: tuple[Callable[[bytes], Verdict | None], ...] = (_spamc, _rspamd, _spamassassin)


def _as_received(mail: RehearsedMail) -> bytes:
    """With its signature and the return path that the receiver's server notes (RFC 5321, 4.4)."""
    try:
        signature = mail.signature_fields
    except NotSigned:
        signature = b""
    return_path = f"Return-Path: <{mail.outgoing.composed.envelope_sender}>\r\n".encode()
    return return_path + signature + mail.octets


def _run(command: list[str], mail: bytes) -> bytes:
    """What it prints; nothing where it is not installed, or fails."""
    if shutil.which(command[0]) is None:
        return b""
    try:
        done = subprocess.run(command, input=mail, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def _report(name: str, report: bytes) -> Verdict | None:
    """SpamAssassin's own words, last in what it prints."""
    found = list(_POINTS.finditer(report))
    if not found:
        return None
    points, limit = (float(value) for value in found[-1].groups() if value is not None)
    table = report[found[-1].end() :]
    rules = [
        Rule(float(hit[1]), hit[2].decode(), hit[3].decode("utf-8", "replace").strip())
        for hit in _RULE.finditer(table)
    ]
    bounds = ((limit, Status.FAILURE), (limit / 2, Status.WARNING))
    status = next((status for bound, status in bounds if points >= bound), Status.PASSED)
    return Verdict(name, points, limit, status, rules)


def _finding(verdict: Verdict, place: str) -> Finding:
    rules = sorted((rule for rule in verdict.rules if rule.points > 0), key=lambda rule: -rule.points)
    named = "; ".join(f"{rule.points:g} {rule.name} ({rule.says})" for rule in rules[:RULES_SHOWN])
    message = f"{verdict.filter}: {verdict.points:g} of {verdict.limit:g} points. {named}".strip()
    fix = "" if verdict.status is Status.PASSED else "Mend what the rules with the most points say."
    return Finding(verdict.status, message, fix, place)
