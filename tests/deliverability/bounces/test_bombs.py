"""Mails made to cost: read within seconds of the processor and little memory, as there is no more."""

import base64
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

MAX_MEMORY = 400 * 1024 * 1024
MAX_CPU_SECONDS = 60
MAX_CPU_SECONDS_EACH = 5
HEAD = b"From: MAILER-DAEMON@mx.people.example\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"


def zip_bomb() -> bytes:
    """A hundred megabytes of zeros in a tenth of one, as base64."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a", "w") as member:
        for _ in range(100):
            member.write(bytes(1024 * 1024))
    return base64.encodebytes(packed.getvalue())


def bombs() -> dict[str, bytes]:
    """By what they are."""
    mixed = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    container = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    nested = b"".join(container % (number, number) for number in range(20_000))
    attached = b"--x\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    words = b" =?utf-8?q?=%02X?= =?utf-7?b?%d?="
    alternating = b"".join(words % (number % 256, number) for number in range(20_000))
    plain = HEAD + b"Content-Type: text/plain\r\n\r\n"
    return {
        "20,000 nested multiparts": HEAD + nested,
        "20,000 nested mails": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
        "10,000 parts": mixed + b"--x\r\nContent-Type: text/plain\r\n\r\nfailed\r\n" * 10_000 + b"--x--\r\n",
        "10,000 reports": mixed
        + b"--x\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        * 10_000,
        "10,000 complaints": mixed
        + b"--x\r\nContent-Type: message/feedback-report\r\n\r\nA: b\r\n\r\n" * 10_000,
        "a zip bomb": mixed + attached + zip_bomb() + b"\r\n--x--\r\n",
        "base64 of 25 MB": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 6_500_000,
        "a field of 8 MB": HEAD + b"X-A: " + b"a" * 8_000_000 + b"\r\n\r\n",
        "a folded field of 8 MB": HEAD + b"X-A: a\r\n" + b" " + b"a\r\n " * 2_000_000 + b"\r\n\r\n",
        "200,000 fields": HEAD + b"Received: by a\r\n" * 200_000 + b"\r\n",
        "encoded words": b"Subject:" + alternating + b"\r\nFrom:" + alternating + b"\r\n\r\n",
        "one endless encoded word": b"Subject: =?utf-8?q?" + b"=41" * 1_000_000 + b"?=\r\n\r\n",
        "JSON without an end": plain + b'{"notificationType": ' + b"[" * 1_000_000,
        "tags without an end": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<a <" * 500_000,
        "addresses without an end": plain + b"Delivery failed: a@a." * 100_000,
        "blanks": plain + b"failed" + b" \r\n" * 500_000,
        "quoted-printable": HEAD
        + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + b"=3D=\r\n" * 500_000,
    }


def read_all() -> None:
    """In the child: prints what each cost."""
    from sidecars.deliverability.bounces import read_mail

    made = bombs()
    before = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (before + MAX_MEMORY, before + MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    costs = {}
    for name, raw in made.items():
        began = time.process_time()
        rule = read_mail(raw).findings[0].rule
        costs[name] = [round(time.process_time() - began, 2), rule]
    print(json.dumps(costs))


def test_no_bomb_costs_more_than_seconds_or_memory():
    done = subprocess.run(
        [sys.executable, "-m", __name__], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    costs = json.loads(done.stdout.splitlines()[-1])
    assert len(costs) > 15
    assert {name: cost for name, (cost, _) in costs.items() if cost > MAX_CPU_SECONDS_EACH} == {}
    assert [name for name, (_, rule) in costs.items() if rule == "unreadable"] == []
    print(costs)


if __name__ == "__main__":
    read_all()
