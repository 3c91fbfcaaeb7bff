"""/v1/domains: domains to send from, and what to publish in DNS for them."""

from typing import Annotated

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.ids import DomainId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Query, Timestamp, answer, example, page
from sidecars.deliverability import dns_hosts, domain_records, domain_removal, domains, submitted_mail
from sidecars.deliverability.dns_lookup import Dns, DnsUnavailable
from sidecars.deliverability.domains import State
from sidecars.models import SendingDomain

api = resource("Domains", "Domains to send from.", "domains")


class DomainPath(Path):
    """Which domain."""

    domain_id: DomainId


class NewDomain(Body):
    """A domain to send from."""

    model_config = example({"name": "news.acme.example"})

    name: Annotated[Line, Field(max_length=253)]


class DomainChange(Body):
    """What can be changed of a domain; what is left out stays."""

    model_config = example(
        {
            "ed25519": True,
            "tracking_host": "links.news.acme.example",
            "track_opens": True,
            "track_clicks": True,
        }
    )

    ed25519: bool | None = Field(
        None, description="Whether mail is signed with Ed25519 too, beside RSA (RFC 8463)."
    )
    track_opens: bool | None = Field(None, description="Whether opens of submitted mail are followed.")
    track_clicks: bool | None = Field(None, description="Whether links in submitted mail are followed.")
    tracking_host: Annotated[Line, Field(max_length=253)] | None = Field(
        None, description="A name below the domain for the links in its mail; null: the installation's."
    )


class RecordAnswer(Answer):
    """A DNS record to publish."""

    kind: str = Field(json_schema_extra={"example": "dkim"})
    type: str = Field(json_schema_extra={"example": "TXT"})
    name: str = Field(json_schema_extra={"example": "kb202611._domainkey.news.acme.example"})
    value: str
    purpose: str
    required: bool = Field(description="Without it the domain is not verified.")


class Problem(Answer):
    """Something that the last check found wrong."""

    kind: str
    required: bool
    message: str = Field(description="The exact difference, and what to do.")


class DomainAnswer(Answer):
    """A domain; mail can be sent from it while it is verified or failing."""

    id: DomainId
    name: str
    state: State = Field(
        description="pending: records are missing; failing: a record vanished, mail still goes out; "
        "stopped: it stayed away."
    )
    stops_at: Timestamp | None = Field(
        description="When a failing domain stops, unless its records come back."
    )
    problems: list[Problem] = Field(description="Of the last check; they need not keep mail from going out.")
    return_path: str = Field(description="Where bounces go.")
    tracking_host: str | None = Field(description="The links' own host; null: the installation's.")
    tracking_verified_at: Timestamp | None = Field(description="Since when links lead to that host.")
    track_opens: bool = Field(description="Of submitted mail that does not say it itself (X-Kibamail-Track).")
    track_clicks: bool
    dkim_selector: str = Field(description="Of the key that signs.")
    next_selector: str | None = Field(description="Of the key that takes over next.")
    next_verified_at: Timestamp | None = Field(description="Since when the next key could take over.")
    previous_selector: str | None = Field(description="Of the key that signed before.")
    previous_needed_until: Timestamp | None = Field(
        description="Till then mail signed by the previous key may still arrive: leave its record."
    )
    dkim_verified_at: Timestamp | None
    ed25519_selector: str | None = Field(description="Null where mail is signed with RSA alone.")
    ed25519_verified_at: Timestamp | None = Field(description="Since when mail has the second signature.")
    return_path_verified_at: Timestamp | None
    verified_at: Timestamp | None
    failing_since: Timestamp | None
    checked_at: Timestamp | None
    next_check_at: Timestamp | None = Field(description="When we look again by ourselves.")
    created_at: Timestamp


class DomainDetail(DomainAnswer):
    """A domain with the records to publish for it."""

    records: list[RecordAnswer]


class DomainPage(Answer):
    """Some domains."""

    data: list[DomainAnswer]
    next_cursor: str | None


class CheckAnswer(Answer):
    """One thing that mail needs, against what DNS holds."""

    kind: str = Field(description="Of a record to publish; or spf, replies, parked, held by another team.")
    record: RecordAnswer | None = Field(description="What to publish, if it is a record of ours.")
    ok: bool | None = Field(description="Null where DNS could not be asked.")
    found: list[str]
    message: str = Field(description="The exact difference, and what to do.")


class Verification(Answer):
    """What DNS says now."""

    domain: DomainAnswer
    verified: bool
    checks: list[CheckAnswer]


class HostQuery(Query):
    """Whose panel the records are for."""

    host: str | None = Field(
        None,
        description=f"One of {', '.join(dns_hosts.known())}; left out: whoever DNS says.",
        json_schema_extra={"example": "cloudflare"},
    )


class HostAnswer(Answer):
    """Who has the domain's DNS, and what to mind there."""

    key: str
    name: str
    notes: list[str]
    source: str = Field(description="A page to read more.")


class EnteredRecords(Answer):
    """The records as they are typed into the panel."""

    host: HostAnswer | None = Field(description="Null where we do not know who it is.")
    zone: str = Field(description="The panel adds this to each name.")
    records: list[RecordAnswer]


@api.post("/domains", responses={201: DomainDetail})
def create_domain(body: NewDomain) -> Response:
    """Add a domain

    Another team may have registered it, too. It is yours once the records of this answer are in its DNS.
    """
    try:
        domain = domains.create(team_id(), body.name)
    except domains.DomainError as error:
        raise invalid("name", str(error)) from error
    except domains.DomainTaken as error:
        raise conflict(f"You have registered the domain {error} already.", "exists") from error
    return answer(_detail(domain), 201)


@api.get("/domains", responses={200: DomainPage})
def list_domains(query: PageQuery) -> Response:
    """List domains"""
    found = (
        SendingDomain.select()
        .where(SendingDomain.team == team_id(), SendingDomain.id > query.cursor)
        .order_by(SendingDomain.id)
        .limit(query.limit + 1)
    )
    shown = page(list(found), query.limit, lambda row: row.id, _shown)
    return answer(DomainPage(**shown))


@api.get("/domains/<domain_id>", responses={200: DomainDetail})
def get_domain(path: DomainPath) -> Response:
    """Read a domain and the records to publish"""
    return answer(_detail(_own_domain(path.domain_id)))


@api.patch("/domains/<domain_id>", responses={200: DomainDetail})
def change_domain(path: DomainPath, body: DomainChange) -> Response:
    """Sign with Ed25519 too, have links at an own host, follow submitted mail, or no more

    Either asks for one more record; mail is signed by the second key, and links lead to the host, once its
    record is verified. With `ed25519` false the key is forgotten, with `tracking_host` null the host.
    """
    domain = _own_domain(path.domain_id)
    if body.ed25519 is not None:
        domains.sign_with_ed25519(domain.id, body.ed25519)
    submitted_mail.follow(domain.id, opens=body.track_opens, clicks=body.track_clicks)
    if "tracking_host" in body.model_fields_set:
        try:
            domains.track_at(domain.id, body.tracking_host)
        except domains.DomainError as error:
            raise invalid("tracking_host", str(error)) from error
    return answer(_detail(_own_domain(domain.id)))


@api.delete("/domains/<domain_id>", responses={204: None})
def delete_domain(path: DomainPath) -> tuple[str, int]:
    """Remove a domain

    Its keys go, and nothing is sent from it any more. What was sent stays readable; its senders go, unless a
    broadcast names them. 409 while broadcasts are on their way from it.
    """
    domain = _own_domain(path.domain_id)
    try:
        domain_removal.remove(domain.id)
    except domain_removal.DomainInUse as error:
        raise conflict(str(error), "in_use") from error
    return "", 204


@api.post("/domains/<domain_id>/verify", responses={200: Verification})
def verify_domain(path: DomainPath) -> Response:
    """Check the records in DNS

    Asks now, and answers for each record what is there and what is wrong with it; and whether replies arrive,
    the domain is parked, or its own SPF record cannot be read. We look by ourselves too, again and again.
    """
    domain = _own_domain(path.domain_id)
    checks = domains.verify(domain.id)
    domain = _own_domain(path.domain_id)
    return answer(
        Verification(
            domain=_shown(domain),
            verified=domain.verified_at is not None,
            checks=[CheckAnswer.model_validate(check) for check in checks],
        )
    )


@api.post("/domains/<domain_id>/rotate", responses={200: DomainDetail})
def rotate_domain_key(path: DomainPath) -> Response:
    """Have the next DKIM key sign from now on

    Asks DNS for it first: 409 while it is not there. Leave the previous key's record till
    `previous_needed_until`, and publish that of the new next key.
    """
    domain = _own_domain(path.domain_id)
    try:
        return answer(_detail(domains.rotate(domain.id)))
    except domains.NextKeyUnseen as error:
        raise conflict(str(error), "unseen") from error


@api.get("/domains/<domain_id>/records", responses={200: EnteredRecords})
def get_domain_records(path: DomainPath, query: HostQuery) -> Response:
    """Read the records as your DNS host's panel wants them

    Asks DNS who the host is, and which zone the domain is in.
    """
    domain = _own_domain(path.domain_id)
    if query.host is not None and query.host not in dns_hosts.known():
        raise invalid("host", f"There are {', '.join(dns_hosts.known())}.")
    try:
        panel = dns_hosts.find(domain.name, Dns())
    except DnsUnavailable:
        panel = dns_hosts.Panel(domain.name, None)
    if query.host is not None:
        panel = dns_hosts.Panel(panel.zone, dns_hosts.known()[query.host])
    entered = [dns_hosts.as_entered(record, panel) for record in domain_records.records(domain)]
    return answer(
        EnteredRecords(
            host=HostAnswer.model_validate(panel.host) if panel.host else None,
            zone=panel.zone,
            records=[RecordAnswer.model_validate(record) for record in entered],
        )
    )


@api.get("/domains/<domain_id>/zone", responses={200: {"content": {"text/dns": {}}}})
def get_domain_zone(path: DomainPath) -> Response:
    """Read the records as a zone file

    By RFC 1035, for a name server of your own or a host's import.
    """
    return Response(
        domain_records.zone_file(_own_domain(path.domain_id)), content_type="text/dns; charset=utf-8"
    )


def _own_domain(domain_id: int) -> SendingDomain:
    domain = SendingDomain.get_or_none(SendingDomain.id == domain_id, SendingDomain.team == team_id())
    if domain is None:
        raise not_found("domain")
    return domain


def _shown(domain: SendingDomain) -> DomainAnswer:
    columns = {name: getattr(domain, name) for name in DomainAnswer.model_fields if hasattr(domain, name)}
    told = {
        "state": domains.state_of(domain),
        "stops_at": domains.stops_at(domain),
        "problems": domain.problems or [],
        "previous_needed_until": domains.previous_needed_until(domain),
    }
    return DomainAnswer.model_validate(columns | told)


def _detail(domain: SendingDomain) -> DomainDetail:
    records = [RecordAnswer.model_validate(record) for record in domain_records.records(domain)]
    return DomainDetail(**dict(_shown(domain)), records=records)
