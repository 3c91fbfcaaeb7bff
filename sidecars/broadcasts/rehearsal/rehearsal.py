"""A broadcast on trial: what its checks share, each thing made when it is first asked for."""

from functools import cached_property
from uuid import uuid4

from sidecars.broadcasts.drafts import CHANGEABLE, variants_of
from sidecars.broadcasts.errors import FieldProblem, WrongState
from sidecars.broadcasts.publish import prepare_variant, validate
from sidecars.broadcasts.recipients import UnsupportedFilter
from sidecars.broadcasts.rehearsal import mail
from sidecars.broadcasts.rehearsal.audience import Recipients, count
from sidecars.broadcasts.rehearsal.duration import Duration, expected
from sidecars.broadcasts.rehearsal.mail import RehearsedMail
from sidecars.broadcasts.rehearsal.web import Web
from sidecars.deliverability import domain_checks
from sidecars.deliverability.dns_lookup import Dns
from sidecars.deliverability.domain_checks import Check
from sidecars.mail.content import ContentError, PreparedContent
from sidecars.mail.errors import Unsendable
from sidecars.mail.recipients import Recipient
from sidecars.models import Broadcast, SendingDomain, Variant


class Rehearsal:
    """Of a draft, or of one that is scheduled. Raises WrongState.

    `reader`: for whom the mails are composed; None: the first contact who would get one.
    """

    def __init__(self, broadcast: Broadcast, reader: Recipient | None = None) -> None:
        if broadcast.state not in CHANGEABLE:
            raise WrongState(broadcast.state)
        self.broadcast = broadcast
        self.look_up = Dns()
        self.web = Web()
        self.uncomposed: list[tuple[str, str]] = []
        self._reader = reader

    @cached_property
    def problems(self) -> list[FieldProblem]:
        """What publishing would refuse."""
        return validate(self.broadcast.id)

    @cached_property
    def reader(self) -> Recipient:
        """Someone made up, where the broadcast would reach no one."""
        try:
            found = self._reader or mail.first_reader(self.broadcast)
        except UnsupportedFilter:
            found = None
        ada = Recipient(uuid4(), 0, "ada@mail.example", first_name="Ada", last_name="Lovelace")
        return found._replace(message_id=uuid4()) if found else ada

    @cached_property
    def prepared(self) -> list[tuple[str, Variant, PreparedContent]]:
        """The variants that can be prepared; what is wrong with the others is in `problems`."""
        variants, found = variants_of(self.broadcast.id), []
        for index, variant in enumerate(variants):
            try:
                place = f"variants.{index}." if len(variants) > 1 else ""
                found.append((place, variant, prepare_variant(variant)))
            except ContentError:
                continue
        return found

    @cached_property
    def mails(self) -> list[RehearsedMail]:
        """One a variant. Why there is none of some is in `uncomposed`."""
        found = []
        for place, variant, prepared in self.prepared:
            try:
                found.append(mail.compose(variant, place, prepared, self.reader))
            except (Unsendable, LookupError) as error:
                self.uncomposed.append((place, str(error)))
        return found

    @property
    def sending_domain(self) -> SendingDomain:
        """Raises LookupError where the team removed it; then there are no mails to check either."""
        domain: SendingDomain | None = self.broadcast.sender.domain
        if domain is None:
            raise LookupError("the sender's domain was removed")
        return domain

    @cached_property
    def domain_checks(self) -> list[Check]:
        """Of the sending domain, in the world's DNS."""
        return domain_checks.run(self.sending_domain)

    @cached_property
    def audience(self) -> Recipients:
        """Who would get it, and who not."""
        return count(self.broadcast, [prepared for _, _, prepared in self.prepared])

    @cached_property
    def duration(self) -> Duration:
        """How long it would take."""
        return expected(self.broadcast, self.audience)
