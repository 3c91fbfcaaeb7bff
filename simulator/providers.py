"""The mailbox providers, as rules.toml describes them, and which of them serves a domain."""

import tomllib
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.chance import Dice
from simulator.loopback import require_loopback
from simulator.outcomes import ACCEPT, OUTCOMES, Outcome

Share = float
DropStep = Literal["connect", "helo", "mail"]


class People(BaseModel):
    """Shares of the accepted mails whose reader, or whose provider's robot, does something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: Share = 0
    click: Share = 0
    unsubscribe: Share = 0
    prefetch: Share = 0


class Provider(BaseModel):
    """One mailbox provider. rules.toml explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    domains: tuple[str, ...] = ()
    mx: dict[str, str]
    hosted_share: Share = 0
    tls: bool = True
    smtputf8: bool = True
    latency_ms: tuple[float, float] = (0, 0)
    drops: dict[DropStep, Share] = Field(default_factory=dict)
    outcomes: dict[str, Share] = Field(default_factory=dict)
    attempts: dict[str, int] = Field(default_factory=dict)
    outcome_in_address: bool = False
    people: People = People()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in (*self.outcomes, *self.attempts):
            if name not in OUTCOMES:
                raise ValueError(f"{self.name}: no outcome {name!r}; there are {', '.join(OUTCOMES)}.")
        if sum(self.outcomes.values()) > 1:
            raise ValueError(f"{self.name}: the shares of outcomes add up to more than 1.")
        for address in self.mx.values():
            require_loopback(address)
        return self

    @cached_property
    def _ladder(self) -> list[tuple[float, Outcome]]:
        steps = accumulate(self.outcomes.values())
        return [(step, OUTCOMES[name]) for step, name in zip(steps, self.outcomes, strict=True)]

    def outcome_of(self, dice: Dice, address: str, attempt: int) -> Outcome:
        """The outcome of the `attempt`th (from 1) try to deliver a mail to `address` (in any case).

        A pure function of the seed and its arguments. A passing outcome meets the first `attempts[name]`
        tries, 0 being all of them; then the mail is accepted.
        """
        address = address.lower()
        if self.outcome_in_address:
            outcome = _outcome_named_by(address)
        else:
            uniform = dice.draw("outcome", self.name, address)
            outcome = next((outcome for step, outcome in self._ladder if uniform < step), ACCEPT)
        if outcome.passes and 0 < self.attempts.get(outcome.name, 1) < attempt:
            return ACCEPT
        return outcome

    def drops_at(self, step: DropStep, dice: Dice, connection: int) -> bool:
        """Whether the `connection`th connection ends at `step`, where no recipient is known yet."""
        share = self.drops.get(step, 0)
        return share > 0 and dice.draw("drop", self.name, step, connection) < share


NOBODY = Provider(name="none", mx={}, outcomes={"no_relay": 1})
"""Serves the domains that nobody serves, by refusing to relay."""


class Rules(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: dict[str, int]
    missing: tuple[str, ...] = ()
    provider: tuple[Provider, ...]


class Providers:
    """Answers which provider serves a domain. The answer for a company's domain depends on the seed."""

    def __init__(self, rules: Rules, dice: Dice) -> None:
        self._dice = dice
        self._missing = frozenset(rules.missing)
        self.all = tuple(
            provider.model_copy(update={"attempts": {**rules.attempts, **provider.attempts}})
            for provider in rules.provider
        )
        self._owner = {domain: provider for provider in self.all for domain in provider.domains}
        hosts = [provider for provider in self.all if provider.hosted_share]
        self._hosts = list(zip(accumulate(p.hosted_share for p in hosts), hosts, strict=True))
        self._known: dict[str, Provider] = {}

    @classmethod
    def load(cls, path: Path, seed: str) -> "Providers":
        """Raises pydantic.ValidationError, which names the field, for a file that makes no sense."""
        return cls(Rules.model_validate(tomllib.loads(path.read_text())), Dice(seed))

    def serving(self, domain: str) -> Provider:
        """The provider of a domain in ASCII or Unicode; NOBODY where no mail is taken for it."""
        domain = domain.lower()
        if domain not in self._known:
            self._known[domain] = self._owner.get(domain) or self._host(domain)
        return self._known[domain]

    def exchangers(self) -> dict[str, tuple[str, Provider]]:
        """Each MX host with its loopback address and its provider."""
        return {host: (address, p) for p in self.all for host, address in p.mx.items()}

    def _host(self, domain: str) -> Provider:
        """Companies are the names directly below .example and .test (RFC 6761)."""
        label, _, suffix = domain.partition(".")
        if suffix not in ("example", "test") or not label or label[0] == "_" or domain in self._missing:
            return NOBODY
        if not self._hosts:
            return NOBODY
        uniform = self._dice.draw("host", _ascii(domain)) * self._hosts[-1][0]
        return next(provider for step, provider in self._hosts if uniform < step)


def _outcome_named_by(address: str) -> Outcome:
    """`greylist@…`, `greylist.7@…` and `greylist+tag@…` all name `greylist`; other words accept."""
    local = address.rpartition("@")[0]
    return OUTCOMES.get(local.partition("+")[0].partition(".")[0], ACCEPT)


def _ascii(domain: str) -> str:
    """A-labels, so that a name has one provider however it is written."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
