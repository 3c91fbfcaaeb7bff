"""From the ledger's rows to composed mails: a variant is compiled once a process, then filled in for each."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from sidecars.broadcasts.recipients import UNWANTED
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.erased import erased_among
from sidecars.edge.batch import Outgoing
from sidecars.edge.messages import Attribution
from sidecars.edge.tracking import tracking_url
from sidecars.mail.compiled import CompiledMail, Sender, Tracking, compile_mail
from sidecars.mail.content import PreparedContent
from sidecars.mail.recipients import Recipient
from sidecars.mail.tokens import make_token
from sidecars.models import Broadcast, SenderIdentity, Variant, database, now
from sidecars.settings import settings

# What a process keeps compiled: about 100 KB each.
VARIANTS_KEPT = 64


class Planned(NamedTuple):
    """A planned send with its contact as it is now; `unwanted` is a Reason not to send it any more, or 0."""

    variant_id: int
    recipient: Recipient
    unwanted: int


def load_planned(broadcast_id: int, lo: int, hi: int) -> list[Planned]:
    """The sends with contact ids from lo to hi that are to go, in one range of the primary key."""
    rows = database.execute_sql(
        f"""SELECT s.team_id, s.variant_id, s.message_id, s.contact_id,
                   c.email, c.first_name, c.last_name, c.properties,
                   CASE WHEN c.id IS NULL THEN %s WHEN c.status <> 'subscribed' THEN %s
                        ELSE {UNWANTED.format(team="s.team_id")} END
              FROM sends s LEFT JOIN contacts c ON c.id = s.contact_id
             WHERE s.broadcast_id = %s AND s.contact_id BETWEEN %s AND %s AND s.state = %s
               AND s.variant_id > 0
             ORDER BY s.contact_id""",
        (
            *map(int, (Reason.INVALID, Reason.UNSUBSCRIBED)),
            now().replace(tzinfo=None),
            *(broadcast_id, lo, hi, SendState.PLANNED),
        ),
    )
    teams, planned = set(), []
    for team_id, *columns in rows:
        teams.add(team_id)
        planned.append(_planned(*columns))
    for team_id in teams:  # a broadcast has one
        planned = _without_erased(team_id, planned)
    return planned


def _without_erased(team_id: int, planned: list[Planned]) -> list[Planned]:
    """The same, with `unwanted` where a contact's address is one that the team erased and was given again."""
    erased = erased_among(team_id, [each.recipient.email for each in planned])
    if not erased:
        return planned
    return [
        each._replace(unwanted=each.unwanted or Reason.SUPPRESSED) if each.recipient.email in erased else each
        for each in planned
    ]


def compose(planned: Planned, broadcast_id: int, at: datetime) -> Outgoing:
    """One recipient's mail, dated `at`. Raises Unsendable, with the reason, where it cannot be made."""
    mail = compiled(planned.variant_id)
    contact_id = planned.recipient.contact_id
    whose = Attribution(mail.origin.team_id, broadcast_id, contact_id, planned.variant_id)
    return outgoing(mail, planned.recipient, whose, at)


def outgoing(mail: CompiledMail, recipient: Recipient, whose: Attribution, at: datetime) -> Outgoing:
    """The recipient's copy of a compiled mail, ready for the edge. Raises Unsendable."""
    token = make_token(recipient.message_id, settings.token_secret.get_secret_value())
    return Outgoing(recipient.message_id, whose, mail, mail.compose(recipient, token, at))


def compile_variant(variant: Variant, prepared: PreparedContent) -> CompiledMail:
    """A variant as it is sent. Raises LookupError where the team removed the sender's domain."""
    broadcast = variant.broadcast
    return _compile(
        variant.author,
        prepared,
        broadcast.audience.locale,
        stream="broadcast",
        broadcast_id=broadcast.id,
        list_id=broadcast.audience_id,
        opens=broadcast.track_opens,
        clicks=broadcast.track_clicks,
        unsubscribe=True,
    )


def compile_test(sender: SenderIdentity, prepared: PreparedContent, locale: str = "") -> CompiledMail:
    """The same for a test. It belongs to no broadcast: nothing in it is tracked or unsubscribes."""
    return _compile(
        sender,
        prepared,
        locale,
        stream="transactional",
        broadcast_id=None,
        list_id=None,
        opens=False,
        clicks=False,
        unsubscribe=False,
    )


def _compile(
    sender: SenderIdentity,
    prepared: PreparedContent,
    locale: str,
    *,
    stream: str,
    broadcast_id: int | None,
    list_id: int | None,
    opens: bool,
    clicks: bool,
    unsubscribe: bool,
) -> CompiledMail:
    domain = sender.domain
    if domain is None:
        raise LookupError(f"the domain of {sender.address} was removed")
    return compile_mail(
        prepared,
        Sender(sender.name, sender.address, sender.reply_to),
        stream=stream,
        broadcast_id=broadcast_id,
        list_id=list_id,
        tracking=Tracking(tracking_url(domain), opens=opens, clicks=clicks),
        return_path_domain=domain.return_path,
        unsubscribe=unsubscribe,
        message_id_domain=domain.name,
        team_id=sender.team_id,
        locale=locale,
    )


@lru_cache(maxsize=VARIANTS_KEPT)
def compiled(variant_id: int) -> CompiledMail:
    """The published variant; its content is frozen, so it never has to be compiled again."""
    variant = Variant.select(Variant, Broadcast).join(Broadcast).where(Variant.id == variant_id).get()
    return compile_variant(variant, PreparedContent(**variant.content.prepared))


def _planned(
    variant_id: int,
    message_id: bytes,
    contact_id: int,
    email: str | None,
    first_name: str | None,
    last_name: str | None,
    properties: str | None,
    unwanted: int,
) -> Planned:
    recipient = Recipient(
        message_id=UUID(bytes=message_id),
        contact_id=contact_id,
        email=email or "",
        properties=orjson.loads(properties) if properties else {},
        first_name=first_name or "",
        last_name=last_name or "",
    )
    return Planned(variant_id, recipient, unwanted)
