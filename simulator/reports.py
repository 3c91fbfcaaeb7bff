"""Which mails come back later as a DSN or a complaint, and when."""

from datetime import datetime
from functools import partial

from simulator import arf, dsn
from simulator.agenda import Agenda, Never
from simulator.chance import Dice, heavy_tailed
from simulator.edge import Edge
from simulator.providers import Provider
from simulator.receipts import Kind, Receipts
from simulator.store import Mail, Store

HOUR = 3600.0


class Reports:
    """Reports go to the envelope sender by way of the edge's inbound listener; `scale` as in People."""

    def __init__(
        self, dice: Dice, scale: float, agenda: Agenda, receipts: Receipts, store: Store, edge: Edge
    ) -> None:
        self._dice = dice
        self._scale = scale
        self._agenda = agenda
        self._receipts = receipts
        self._store = store
        self._edge = edge

    def bounce_later(self, mail: Mail, provider: Provider) -> None:
        """A DSN within six hours, most within ten minutes. None for an empty return path (RFC 5321 4.5.5)."""
        if mail.envelope_sender:
            uniform = self._dice.draw("dsn", mail.subject.recipient.lower())
            delay = heavy_tailed(uniform, 10 * 60, 1.5, 6 * HOUR)
            self._agenda.add(delay / self._scale, partial(self._bounce, mail, provider))

    def complain_later(self, mail: Mail, provider: Provider) -> None:
        """A complaint within a day, most within two hours."""
        if mail.envelope_sender:
            uniform = self._dice.draw("complaint", mail.subject.recipient.lower())
            delay = heavy_tailed(uniform, 2 * HOUR, 1.5, 24 * HOUR)
            self._agenda.add(delay / self._scale, partial(self._complain, mail, provider))

    async def _bounce(self, mail: Mail, provider: Provider) -> None:
        host, return_path, recipient = next(iter(provider.mx)), mail.envelope_sender, mail.subject.recipient
        report = dsn.build(self._raw(mail), recipient, return_path, host, datetime.fromisoformat(mail.at))
        await self._edge.send(report, "", return_path)
        text = f"{dsn.DIAGNOSTIC}, to {return_path}"
        self._receipts.add(Kind.DSN_SENT, mail.subject, 250, text)

    async def _complain(self, mail: Mail, provider: Provider) -> None:
        host, return_path = next(iter(provider.mx)), mail.envelope_sender
        domain = host.partition(".")[2]
        report = arf.build(self._raw(mail), return_path, domain, host, datetime.fromisoformat(mail.at))
        to = arf.reports_to(return_path)
        await self._edge.send(report, arf.sender(domain), to)
        self._receipts.add(Kind.COMPLAINT_SENT, mail.subject, 250, f"abuse, to {to}")

    def _raw(self, mail: Mail) -> bytes:
        raw = self._store.raw(mail)
        if raw is None:
            raise Never(f"mail {mail.id} is no longer kept; raise SIMULATOR_KEEP_MAILS")
        return raw
