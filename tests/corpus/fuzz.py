"""Damage the corpus's mails and read them: `python -m tests.corpus.fuzz SECONDS [SEED]`.

What is asked of any bytes: that they are read without an exception, within bounds of processor time, and that
what is said of them can be written as JSON. Prints the worst, and keeps what broke in a folder of its own.
"""

import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from sidecars.commands.bounce import described
from sidecars.deliverability.bounces import judge_reply, read_mail, reply_code
from tests.corpus import mails

MAX_CPU_SECONDS = 5.0
TOKENS = (
    b"\r\n\r\n",
    b"\r\n",
    b"\x00",
    b"\xff\xfe",
    b"--=_b1\r\n",
    b"--=_b1--",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b'Content-Type: multipart/mixed; boundary="=_b1"\r\n\r\n',
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Type: text/plain; charset=iso-2022-jp\r\n",
    b"=?utf-8?B?gICA?=",
    b"=?x?q?",
    b"Final-Recipient: utf-8; \\x{110000}@a.example\r\n",
    b"Action: failed\r\n",
    b"Status: 9.9.9\r\n",
    b"\x1b$B",
    b"<" * 500,
    b"(" * 500,
    b"a@" * 500,
    b";" * 5000,
    b"\n" * 5000,
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
    return raw


def fuzz(seconds: float, seed: int) -> int:
    """Reads damaged mails for so long; gives how many broke what is asked of them."""
    chance, kept = random.Random(seed), Path(tempfile.gettempdir()) / "kibamail-fuzz"
    until, number, broken, worst = time.monotonic() + seconds, 0, 0, 0.0
    while time.monotonic() < until:
        number += 1
        raw = damaged(chance.choice(mails()).raw, chance)
        started = time.process_time()
        try:
            said = described(raw)
            json.dumps(said, ensure_ascii=False).encode()
            text = raw[: chance.randrange(2000)].decode("latin-1")
            judge_reply(reply_code(text), chance.choice((None, "5.1.1", "9.9", "4.", text[:20])), text)
            flaw = "unreadable" if read_mail(raw).findings[0].rule == "unreadable" else ""
        except Exception as error:
            flaw = repr(error)
        spent = time.process_time() - started
        worst = max(worst, spent)
        if flaw or spent > MAX_CPU_SECONDS:
            broken += 1
            kept.mkdir(exist_ok=True)
            (kept / f"{seed}-{number}.eml").write_bytes(raw)
            print(f"{seed}-{number}: {flaw or f'{spent:.1f} s'}, kept in {kept}", flush=True)
    print(f"{number:,} mails in {seconds:.0f} s, seed {seed}: {broken} broken, at most {worst:.2f} s of CPU")
    return broken


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1) > 0)
