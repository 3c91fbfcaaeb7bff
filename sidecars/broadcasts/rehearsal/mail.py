"""One real mail of a variant: composed for a contact as sending would, taken apart as a receiver would."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import NamedTuple, cast
from urllib.parse import urlsplit
from uuid import uuid4

import dkim
import orjson

from sidecars.broadcasts.compose import compile_variant, outgoing
from sidecars.broadcasts.recipients import UNWANTED, chosen, unwanted_parameters
from sidecars.broadcasts.rehearsal.page import Page
from sidecars.deliverability.dns_lookup import LookUp
from sidecars.edge.batch import Outgoing
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import pool
from sidecars.edge.tracking import tracking_url
from sidecars.mail import links
from sidecars.mail.content import PreparedContent
from sidecars.mail.recipients import Recipient
from sidecars.models import Broadcast, SendingDomain, Variant, database, now
from sidecars.names import PATH_CLICK, PATH_OPEN, PATH_PREFERENCES, PATH_UNSUBSCRIBE

WAYS_OUT = (PATH_UNSUBSCRIBE, PATH_PREFERENCES)


class Signature(NamedTuple):
    """A DKIM-Signature as a receiver sees it: `fault` is empty where it verifies."""

    domain: str
    selector: str
    algorithm: str
    fields: frozenset[str]
    fault: str


class Place(NamedTuple):
    """A link of the mail: where it leads in the end, where in the mail itself, and its text."""

    target: str
    href: str
    text: str


@dataclass
class RehearsedMail:
    """`place` names the variant as the API does (`variants.1.`), empty where there is but one."""

    place: str
    variant: Variant
    prepared: PreparedContent
    reader: Recipient
    outgoing: Outgoing

    @cached_property
    def octets(self) -> bytes:
        """What the edge gets, its lines ended by CR LF."""
        return self.outgoing.mail.assemble(self.outgoing.composed.values)

    @cached_property
    def message(self) -> EmailMessage:
        """The same, parsed."""
        return message_from_bytes(self.octets, policy=policy.default)

    @cached_property
    def signature_fields(self) -> bytes:
        """What the edge would put in front, signed by the edge itself. Raises NotSigned."""
        return pool().sign(self.outgoing)

    def part(self, kind: str) -> EmailMessage | None:
        """The `html` or `plain` part."""
        return cast("EmailMessage | None", self.message.get_body((kind,)))

    @cached_property
    def html(self) -> str:
        """The HTML, decoded."""
        return _content(self.part("html"))

    @cached_property
    def text(self) -> str:
        """The text part, decoded."""
        return _content(self.part("plain"))

    @cached_property
    def page(self) -> Page:
        """The HTML, taken apart."""
        return Page(self.html)

    @property
    def subject(self) -> str:
        """As this reader would see it."""
        return str(self.message["Subject"])

    @property
    def tracking_url(self) -> str:
        """Where links, pixel and unsubscribe page lead."""
        return tracking_url(cast(SendingDomain, self.variant.author.domain))

    @property
    def tracking_host(self) -> str:
        """Its host."""
        return urlsplit(self.tracking_url).hostname or ""

    def links(self) -> Iterator[Place]:
        """The author's links, not the ways out of the list; those that are tracked with their target."""
        tracked, ours = f"{self.tracking_url}{PATH_CLICK}/", f"{self.tracking_url}/"
        for anchor in self.page.anchors:
            text = " ".join(anchor.text.split())
            if anchor.href.startswith(tracked):
                index = int(anchor.href.rpartition("/")[2])
                template = self.prepared.links[index].url
                target = links.target(template, self.reader, self.variant.broadcast_id)
                yield Place(target or "", anchor.href, text)
            elif not anchor.href.startswith(ours):
                yield Place(anchor.href, anchor.href, text)

    def ways_out(self) -> list[str]:
        """The texts of the links that unsubscribe, or lead to the page of preferences where one can."""
        pages = tuple(f"{self.tracking_url}{path}/" for path in WAYS_OUT)
        return [" ".join(each.text.split()) for each in self.page.anchors if each.href.startswith(pages)]

    def is_pixel(self, src: str) -> bool:
        """Whether it is our own, which counts opens."""
        return src.startswith(f"{self.tracking_url}{PATH_OPEN}/")

    def signatures(self, look_up: LookUp) -> list[Signature]:
        """Each, verified against DNS. Raises NotSigned, DnsUnavailable."""
        signed = dkim.DKIM(self.signature_fields + self.octets)
        values = [value for name, value in signed.headers if name.lower() == b"dkim-signature"]
        return [_verified(signed, index, value, look_up) for index, value in enumerate(values)]


def compose(variant: Variant, place: str, prepared: PreparedContent, reader: Recipient) -> RehearsedMail:
    """The reader's mail of a variant. Raises Unsendable, and LookupError where its domain is gone."""
    broadcast = variant.broadcast
    compiled = compile_variant(variant, prepared)
    whose = Attribution(broadcast.team_id, broadcast.id, reader.contact_id, variant.id)
    return RehearsedMail(place, variant, prepared, reader, outgoing(compiled, reader, whose, now()))


def first_reader(broadcast: Broadcast) -> Recipient | None:
    """The first contact who would get it, by address: an index has them so. Raises UnsupportedFilter."""
    condition, parameters = chosen(broadcast)
    row = database.execute_sql(
        f"""SELECT c.id, c.email, c.first_name, c.last_name, c.properties FROM contacts c
             WHERE {condition} AND {UNWANTED.format(team="%s")} = 0 ORDER BY c.email LIMIT 1""",
        [*parameters, *unwanted_parameters(broadcast)],
    ).fetchone()
    if row is None:
        return None
    contact_id, email, first_name, last_name, properties = row
    return Recipient(
        uuid4(),
        contact_id,
        email,
        properties=orjson.loads(properties) if properties else {},
        first_name=first_name,
        last_name=last_name,
    )


def _content(part: EmailMessage | None) -> str:
    return str(part.get_content()) if part is not None else ""


def _verified(signed: dkim.DKIM, index: int, value: bytes, look_up: LookUp) -> Signature:
    tags = dkim.util.parse_tag_value(value)

    def published(name: bytes, timeout: int = 5) -> bytes | None:
        return next((text.encode() for text in look_up(name.decode().rstrip("."), "TXT")), None)

    try:
        fault = "" if signed.verify(index, dnsfunc=published) else "the signature is not that of this mail"
    except dkim.DKIMException as error:
        fault = str(error)
    fields = frozenset(each.strip().lower() for each in tags[b"h"].decode().split(":"))
    domain, selector, algorithm = (tags[tag].decode().strip() for tag in (b"d", b"s", b"a"))
    return Signature(domain, selector, algorithm, fields, fault)
