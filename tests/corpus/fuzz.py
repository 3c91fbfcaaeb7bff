"""Damage what servers send us and read it: `python -m tests.corpus.fuzz --seconds 60 --seed 1 --target dsn`.

What is asked of any bytes: that they are read without an exception, within bounds of processor time and
size, and that what is said of them can be written as JSON. A piece of which something is said that was not
said before is kept, and damaged further. Prints what was run; what broke is kept in a folder of its own.
"""

import argparse
import json
import logging
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sidecars.commands.bounce import described
from sidecars.deliverability.bounces import judge_reply, read_mail, reply_code
from sidecars.deliverability.bounces.dsn import MAX_RECIPIENTS
from tests.corpus import complaints, mails

MAX_CPU_SECONDS = 5.0
MAX_TEXT = 100_000
MOST_SEEDS = 5_000
TOKENS = (
    b"\r\n\r\n",
    b"\r\n",
    b"\x00",
    b"\xff\xfe",
    b"--=_b1\r\n",
    b"--=_b1--",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: message/feedback-report\r\n\r\n",
    b'Content-Type: multipart/mixed; boundary="=_b1"\r\n\r\n',
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n",
    b"Content-Type: text/plain; charset=iso-2022-jp\r\n",
    b"Content-Type: text/plain; charset*0*=utf-8''%00; charset*1=x\r\n",
    b"=?utf-8?B?gICA?=",
    b"=?x?q?",
    b"Final-Recipient: utf-8; \\x{110000}@a.example\r\n",
    b"Original-Rcpt-To: <ann@people.example>\r\n",
    b"Feedback-Type: abuse\r\n",
    b"Action: failed\r\n",
    b"Status: 9.9.9\r\n",
    b"X-Kibamail-Message-ID: 0192f0c1-7d3a-7e4b-9c55-0a1b2c3d4e5f\r\n",
    b"\x1b$B",
    b"<" * 500,
    b"(" * 500,
    b"a@" * 500,
    b";" * 5000,
    b"\n" * 5000,
)
WORDS = (
    *(
        "550",
        "421",
        "4.2.2",
        "5.1.1",
        "99.9.9",
        "-",
        " ",
        "\n",
        "#",
        "user unknown",
        "quota exceeded",
        "blocked",
    ),
    *(
        "spamhaus",
        "greylisted",
        "no such host",
        "try again later",
        "\u2028",
        "\x00",
        "ÿ",
        "5" * 400,
        "4.4." * 200,
    ),
)


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The mail with pieces cut, doubled, swapped with another's, or replaced by what parsers dislike."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice((1, 4, 40, 400)))
        other = chance.choice(mails()).raw
        at = chance.randrange(len(other) + 1)
        new = chance.choice(
            (
                b"",
                raw[start:end] * chance.choice((2, 20)),
                chance.randbytes(end - start),
                other[at : at + chance.choice((40, 400))],
                chance.choice(TOKENS),
                chance.choice(TOKENS) * 20,
            )
        )
        raw = raw[:start] + new + raw[end:]
    return raw[: 4 * MAX_TEXT]


def damaged_reply(raw: bytes, chance: random.Random) -> bytes:
    """A server's reply with words put in, cut and moved."""
    text = raw.decode()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        text = (
            text[:at]
            + chance.choice((*WORDS, chr(chance.randrange(0xD800))))
            + text[at + chance.choice((0, 1, 9)) :]
        )
    return text[:MAX_TEXT].encode()


def read_whole(raw: bytes) -> Hashable:
    """Reads a mail; gives what was said of it, without its addresses. Raises where that breaks a promise."""
    said = described(raw)
    json.dumps(said, ensure_ascii=False).encode()
    reading = read_mail(raw)
    assert reading.findings[0].rule != "unreadable", "unreadable"
    assert len(reading.findings) <= MAX_RECIPIENTS, "too many findings"
    for found in reading.findings:
        assert len(found.recipient) <= 500, "an endless recipient"
        assert len(found.diagnostic) <= MAX_TEXT, "an endless diagnostic"
    return tuple(
        sorted(
            {
                (found.kind, found.rule, found.status, found.failure, found.reason)
                for found in reading.findings
            },
            key=repr,
        )[:3]
    )


def read_reply(raw: bytes) -> Hashable:
    """Judges a reply with its own code and enhanced code, and without them."""
    text = raw.decode()
    code = reply_code(text)
    assert code is None or 200 <= code <= 599, f"the code {code}"
    verdicts = [judge_reply(code, enhanced, text) for enhanced in (None, "5.1.1", "4.2.2", text[:20])]
    json.dumps([verdict.rule for verdict in verdicts])
    return code, tuple((verdict.rule, verdict.reason) for verdict in verdicts)


@dataclass(frozen=True)
class Target:
    """What is fuzzed: the pieces to begin with, how one is damaged, and how it is read."""

    seeds: Callable[[], list[bytes]]
    damage: Callable[[bytes, random.Random], bytes]
    read: Callable[[bytes], Hashable]


@cache
def _replies() -> list[bytes]:
    said = {
        found.diagnostic for mail in mails() for found in read_mail(mail.raw).findings if found.diagnostic
    }
    return [text.encode() for text in sorted(said)]


TARGETS = {
    "dsn": Target(lambda: [mail.raw for mail in mails()], damaged, read_whole),
    "arf": Target(lambda: [mail.raw for mail in complaints.mails()], damaged, read_whole),
    "reply": Target(_replies, damaged_reply, read_reply),
}


@dataclass
class Report:
    """What a run has seen."""

    target: str
    executions: int = 0
    broken: int = 0
    worst: float = 0.0
    said: set[Hashable] = field(default_factory=set)

    def __str__(self) -> str:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return (
            f"{self.target}: {self.executions:,} executions, {len(self.said):,} different readings,"
            f" {self.broken} broken, slowest {self.worst:.2f} s of CPU, {most:.0f} MiB at most"
        )


def fuzz(name: str, seed: int, *, seconds: float = float("inf"), executions: float = float("inf")) -> Report:
    """Reads damaged pieces until the first of both is reached."""
    target, chance, report = TARGETS[name], random.Random(seed), Report(name)
    kept = Path(tempfile.gettempdir()) / "kibamail-fuzz"
    pool = target.seeds()
    until = time.monotonic() + seconds
    while report.executions < executions and time.monotonic() < until:
        report.executions += 1
        raw = target.damage(chance.choice(pool), chance)
        started = time.process_time()
        try:
            said, flaw = target.read(raw), ""
        except Exception as error:
            said, flaw = None, repr(error)
        spent = time.process_time() - started
        report.worst = max(report.worst, spent)
        if flaw or spent > MAX_CPU_SECONDS:
            report.broken += 1
            kept.mkdir(exist_ok=True)
            (kept / f"{name}-{seed}-{report.executions}.eml").write_bytes(raw)
            print(
                f"{name}-{seed}-{report.executions}: {flaw or f'{spent:.1f} s'}, kept in {kept}", flush=True
            )
        elif said not in report.said:
            report.said.add(said)
            if len(pool) < MOST_SEEDS:
                pool.append(raw)
    return report


def main() -> int:
    """Runs the targets one after the other; 1 where anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    names = list(TARGETS) if asked.target == "all" else [asked.target]
    reports = [fuzz(name, asked.seed, seconds=asked.seconds) for name in names]
    for report in reports:
        print(f"{report}, seed {asked.seed}")
    return int(any(report.broken for report in reports))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main())
