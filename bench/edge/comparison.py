"""All runs of one comparison, one after the other, each alone on the machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from rich.console import Console

from bench.edge import kibamail, postfix, rsa, stages, stock_haraka
from bench.edge import sink as sinks
from bench.edge.mode import MODES, Mode
from bench.edge.postfix import Postfix
from bench.edge.progress import shown
from bench.edge.relay import Relay, Source, run_relay
from bench.edge.run import Run
from bench.edge.stock_haraka import StockHaraka
from bench.edge.submission import Submission
from bench.edge.summary import Summary, machine
from bench.setting import own_stack
from infra.local.errors import LocalError
from infra.local.install import install_all

SYSTEMS = (postfix.NAME, stock_haraka.NAME, kibamail.NAME)
MAILS = (20_000, 100_000)
# Mail servers alone are bounded by the time for which the source goes on, a slow sink by the number of mails.
RELAY_SECONDS = 25.0
MOST_FOR_SLOW_SINK = 20_000


@dataclass(frozen=True)
class Plan:
    """What to compare."""

    systems: Sequence[str] = SYSTEMS
    modes: Sequence[str] = tuple(MODES)
    mails: Sequence[int] = MAILS


class Comparison:
    """Below `home`, with one sink program and one key for the mail servers."""

    def __init__(self, plan: Plan, home: Path, console: Console) -> None:
        self._plan, self._home, self._console = plan, home, console
        self._program = sinks.build(home, console.print)
        self._key = home / "dkim.pem"
        self._key.write_bytes(private_key())
        self.summary = Summary(machine())

    def run(self) -> None:
        """Everything in the plan, into `summary`; what cannot be had is left out, with the reason."""
        self.summary.rsa = rsa.measure()
        parts: dict[str, Callable[[], None]] = {
            postfix.NAME: self._postfix,
            stock_haraka.NAME: self._stock_haraka,
            kibamail.NAME: self._kibamail,
        }
        for system in self._plan.systems:
            try:
                parts[system]()
            except LocalError as problem:
                self.summary.problems.append(f"{system}: {problem.message}")
                self._console.print(f"[red]{system}:[/] {problem.message}")

    def _modes(self) -> Iterator[Mode]:
        return (MODES[name] for name in self._plan.modes)

    def _postfix(self) -> None:
        postfix.install(self._console.print)
        for mode in self._modes():
            with self._sink(mode) as sink, self._folder() as home:
                self._keep(self._relay(postfix.NAME, Postfix(home, mode, sink.port, self._key), sink, mode))

    def _stock_haraka(self) -> None:
        for mode in self._modes():
            with self._sink(mode) as sink, self._folder() as home:
                relay = StockHaraka(home, mode, sink.port, self._key)
                self._keep(self._relay(stock_haraka.NAME, relay, sink, mode))
        mode = MODES["unsigned"]
        with self._sink(mode) as sink, self._folder() as home:
            relay = StockHaraka(home, mode, sink.port, self._key, auth=True)
            self._keep_submission(self._relay(stock_haraka.NAME, relay, sink, mode, stock_haraka.LOGIN))

    def _kibamail(self) -> None:
        install_all(self._console.print)
        with own_stack() as stack:
            system = kibamail.Kibamail(stack)
            for mode in self._modes():
                with self._sink(mode) as sink, system.edge(mode, sink):
                    for mails in self._numbers(mode):
                        with shown(self._console, f"{kibamail.NAME} {mode.name}", mails) as watch:
                            run = system.run(mode, mails, sink, watch)
                        self._keep(run)
            mode = MODES["unsigned"]
            with self._sink(mode) as sink, system.edge(mode, sink):
                submission = Submission(system)
                self._keep_submission(self._relay(kibamail.NAME, submission, sink, mode, submission.login))
            self._stages(system)

    def _stages(self, system: kibamail.Kibamail) -> None:
        with self._sink(stages.MODE) as sink, self._console.status("stage by stage"):
            found = stages.measure(system, sink, min(self._plan.mails))
        signing = stages.signing(self.summary.runs)
        self.summary.stages = [*found, *([signing] if signing else [])]

    def _relay(
        self, name: str, relay: Relay, sink: sinks.Sink, mode: Mode, login: tuple[str, str] | None = None
    ) -> Run:
        """A run of a mail server, with so many mails as it takes in RELAY_SECONDS."""
        mails = min(self._plan.mails)
        with ExitStack() as opened:
            opened.enter_context(relay)
            source = Source(self._home, relay.port, mails, RELAY_SECONDS, login)
            watch = opened.enter_context(shown(self._console, f"{name} {mode.name}", mails))
            return run_relay(name, relay, sink, mode, source, watch)

    def _numbers(self, mode: Mode) -> Iterator[int]:
        return (mails for mails in self._plan.mails if not mode.delay_ms or mails <= MOST_FOR_SLOW_SINK)

    def _sink(self, mode: Mode) -> sinks.Sink:
        return sinks.Sink(self._program, self._home, mode.delay_ms, mode.tls)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        with TemporaryDirectory(prefix="kiba-bench-") as home:
            yield Path(home)

    def _keep(self, run: Run) -> None:
        self.summary.runs.append(run)
        self._tell(run, run.mode)

    def _keep_submission(self, run: Run) -> None:
        self.summary.submitters.append(run)
        self._tell(run, "submitters")

    def _tell(self, run: Run, what: str) -> None:
        state = "" if run.complete else f" [red]{run.received:,} received, {run.unique:,} of them unique[/]"
        self._console.print(f"{run.system} {what}: {run.n:,} mails, {run.msg_per_s:,.0f}/s{state}")


def private_key() -> bytes:
    """RSA-2048 in PEM, of the traditional form that OpenDKIM takes."""
    key = rsa_keys.generate_private_key(65537, 2048)
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, traditional, serialization.NoEncryption())
