"""What a broadcast is put through: each trial publishes one, troubles it at seeded moments and judges it."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chaos.blows import PROCESSES, Blow
from chaos.copier import Copier
from chaos.flight import Flight, Outcome
from chaos.postman import Postman
from chaos.site import Site
from sidecars import names

# Moments are shares of the mails that have been received.
FIRST, LAST = 0.02, 0.9
PAUSE_SECONDS = (1.5, 3.0)
# A pause or a cancel is obeyed within that.
OBEYED_WITHIN = timedelta(seconds=1)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Strikes:
    """A blow to all `victims` at once, at `number` moments."""

    name: str
    victims: Sequence[str]
    blow: Blow
    number: int

    def schedule(self, seed: int) -> list[tuple[float, float]]:
        """The share of the mails at which each strike falls, and for how many seconds it lasts."""
        chance = _chance(seed, self.name, self.blow.how)
        return [(share, chance.uniform(*self.blow.lasts)) for share in _moments(chance, self.number)]

    def run(self, site: Site, seed: int, tell: Tell) -> Outcome:
        """As `schedule` has it."""
        flight = Flight(site)
        for number, (share, seconds) in enumerate(self.schedule(seed), 1):
            flight.reach(share)
            tell(
                f"{self.name}: {self.blow.how} {number} of {self.number}, due at {share:.1%} of the mails "
                f"for {seconds:.1f} s; at {flight.received():,} mails"
            )
            self._strike(site, seconds)
        tell(f"{self.name}: waiting until every mail has its fate")
        return flight.land(self.name, self.blow.how, self.number)

    def _strike(self, site: Site, seconds: float) -> None:
        # A process that starts before its services are there would only have to start again.
        servers = [name for name in self.victims if name not in PROCESSES]
        processes = [name for name in self.victims if name in PROCESSES]
        with ThreadPoolExecutor(len(self.victims)) as pool:
            list(pool.map(lambda name: self.blow.fall(site, name), self.victims))
            time.sleep(seconds)
            # At the same time, as none is well without the others.
            list(pool.map(lambda name: self.blow.rise(site, name), servers))
            list(pool.map(lambda name: self.blow.rise(site, name), processes))


@dataclass(frozen=True)
class Pauses:
    """So many pauses and resumes, then a cancel."""

    number: int

    def schedule(self, seed: int) -> list[tuple[float, float]]:
        """The share of the mails at which each pause comes, and for how many seconds; then the cancel's."""
        chance = _chance(seed, "pauses")
        return [(share, chance.uniform(*PAUSE_SECONDS)) for share in _moments(chance, self.number + 1)]

    def run(self, site: Site, seed: int, tell: Tell) -> Outcome:
        """Nothing may be received from a second after each pause, and after the cancel."""
        from sidecars.broadcasts.control import cancel, pause, resume
        from sidecars.models import database

        flight = Flight(site)
        quiet = []
        *pauses, (last, _) = self.schedule(seed)
        for share, seconds in pauses:
            flight.reach(share)
            with database.connection_context():
                pause(flight.broadcast_id)
            paused = _now()
            tell(f"pause due at {share:.1%} of the mails for {seconds:.1f} s; at {flight.received():,} mails")
            time.sleep(seconds)
            quiet.append((_text(paused + OBEYED_WITHIN), _text(_now())))
            with database.connection_context():
                resume(flight.broadcast_id)
        flight.reach(last)
        with database.connection_context():
            cancel(flight.broadcast_id)
        quiet.append((_text(_now() + OBEYED_WITHIN), _text(datetime.max.replace(tzinfo=UTC))))
        tell("cancelled; waiting until every mail has its fate")
        return flight.land("nobody", f"{self.number} pauses, then cancel", 0, quiet=quiet)


@dataclass(frozen=True)
class Duplicates:
    """Every post to the webhook receiver and every record in Kafka comes twice, and in no order."""

    def run(self, site: Site, seed: int, tell: Tell) -> Outcome:
        """The edge is started anew for it, and once more at the end."""
        postman = Postman(site.stack.url("webhook"), _chance(seed, "posts"))
        topics = (*names.RAW_TOPICS, *names.CLICKHOUSE_TOPICS)
        copier = Copier(site.broker, topics, _chance(seed, "records"))

        def settle() -> None:
            tell("waiting until everything has come twice")
            postman.finish()
            copier.finish()
            site.wait_until_all_is_read()

        site.restart("smtp", {"WEBHOOK_URL": postman.url})
        try:
            outcome = Flight(site).land("nobody", "all twice, unordered", 0, settle)
        finally:
            site.restart("smtp")
            postman.leave()
        tell(f"{postman.posts} posts and {copier.copies} records came twice")
        return outcome


Trial = Strikes | Pauses | Duplicates


def _chance(seed: int, *what: str) -> random.Random:
    return random.Random(":".join([str(seed), *what]))  # noqa: S311 (moments, not secrets)


def _moments(chance: random.Random, number: int) -> list[float]:
    return sorted(chance.uniform(FIRST, LAST) for _ in range(number))


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    """As the simulator writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
