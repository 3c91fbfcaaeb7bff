"""How many mails a second the simulator takes, and what one costs it.

    python -m bench.simulator [--mails 20000] [--kilobytes 10]

Each way of sending is measured against a simulator of its own on this machine, which shares its cores with
the source: Postfix's smtp-source (Debian: `apt install postfix`) for the ways that wait for each reply, an
asyncio client for pipelining.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from infra.local.ports import free_ports
from sidecars import names

CONNECTIONS = 20
RECIPIENT = "accept@outcome.example"
SENDER = "b-agequxnmsz3uxpgowmbatguak4aaaaaaaaaaaaaa@kb.acme.example"


def message(kilobytes: int) -> bytes:
    """A mail with the headers that receipts are made from."""
    head = (
        f"{names.HEADER_MESSAGE_ID}: {uuid.uuid4()}\r\n{names.HEADER_BROADCAST_ID}: 1\r\n"
        f"{names.HEADER_CONTACT_ID}: 1\r\nFrom: news@acme.example\r\nSubject: A measured mail\r\n\r\n"
    ).encode()
    line = b"All work and no play makes for a dull benchmark, said the mail to the mailbox.\r\n"
    return head + line * ((kilobytes * 1024 - len(head)) // len(line))


@contextmanager
def simulator() -> Iterator[tuple[int, int, int]]:
    """Runs one; gives its SMTP port, its HTTP port and its process id."""
    ports = free_ports(("smtp", "http", "dns"))
    with tempfile.TemporaryDirectory() as home:
        environment = {f"SIMULATOR_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator"],
            env={**environment, "SIMULATOR_HOME": home},
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_healthy(ports["http"])
            yield ports["smtp"], ports["http"], process.pid
        finally:
            process.terminate()
            process.wait()


def wait_until_healthy(port: int) -> None:
    """Raises TimeoutError after 20 s."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("The simulator did not start; `python -m simulator` tells why.")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def accepted(port: int) -> int:
    """How many receipts say so."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/receipts.ndjson?kind=accepted") as response:
        return sum(1 for _ in response)


def smtp_source(port: int, mails: int, raw: bytes, *options: str) -> None:
    """Postfix's source, which reads a mail with bare line feeds."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw.replace(b"\r\n", b"\n"))
        file.flush()
        command = ["smtp-source", *options, "-s", str(CONNECTIONS), "-m", str(mails), "-F", file.name]
        subprocess.run([*command, "-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{port}"], check=True)


def pipelined(port: int, mails: int, raw: bytes) -> None:
    """Kept connections, one round trip a mail: each leaves with the next one's envelope (RFC 2920 3.1)."""
    envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()

    async def send(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readuntil(b"220 ")
        writer.write(b"EHLO bench.test\r\n")
        await reader.readuntil(b"250 ")
        writer.write(envelope)
        for left in reversed(range(share)):
            await reader.readuntil(b"354 ")
            writer.write(raw + b".\r\n" + (envelope if left else b""))
        await reader.readuntil(b"250 2.0.0 ")
        writer.close()

    async def send_all() -> None:
        await asyncio.gather(*(send(mails // CONNECTIONS) for _ in range(CONNECTIONS)))

    uvloop.run(send_all())


def measure(name: str, mails: int, raw: bytes, send: Callable[[int, int, bytes], None]) -> None:
    """Prints one line. Raises RuntimeError where a receipt is missing."""
    with simulator() as (smtp_port, http_port, pid):
        began, cpu = time.perf_counter(), cpu_seconds(pid)
        send(smtp_port, mails, raw)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
        if (count := accepted(http_port)) != mails:
            raise RuntimeError(f"{mails} mails were sent and {count} have a receipt.")
    print(f"{name:<28} {mails / seconds:>8,.0f} msg/s  {cpu / mails * 1e6:>6.0f} µs CPU a mail")


def main() -> None:
    """Measures each way of sending in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--kilobytes", type=int, default=10)
    asked = parser.parse_args()
    mails, raw = asked.mails - asked.mails % CONNECTIONS, message(asked.kilobytes)
    print(f"{mails:,} mails of {len(raw):,} bytes over {CONNECTIONS} connections")
    if shutil.which("smtp-source"):
        measure("a connection a mail", mails, raw, smtp_source)
        measure("kept connections", mails, raw, lambda *rest: smtp_source(*rest, "-d"))
    else:
        print("smtp-source is not installed (apt install postfix): pipelining only.")
    measure("kept connections, pipelined", mails, raw, pipelined)


if __name__ == "__main__":
    main()
