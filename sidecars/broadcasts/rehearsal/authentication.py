"""Authentication: the edge signs a real mail, and it is held against the world's DNS as a receiver would."""

from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.findings import Finding, failure, passed, skipped, warning
from sidecars.broadcasts.rehearsal.mail import RehearsedMail
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal
from sidecars.deliverability import link_hosts
from sidecars.deliverability.dns_lookup import DnsUnavailable
from sidecars.deliverability.domain_checks import Check
from sidecars.deliverability.providers import registrable
from sidecars.edge.submit import NotSigned

# From so many mails a day Gmail and Yahoo demand DMARC (https://support.google.com/a/answer/81126).
BULK = 5000
SHOW = "Publish the records: ./kiba domain show {domain}, GET /v1/domains/{id}/records."


def dkim(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Every signature verifies, and one of them is the From domain's."""
    for mail in rehearsal.mails:
        try:
            signatures = mail.signatures(rehearsal.look_up)
        except NotSigned as error:
            yield failure(
                f"The edge does not sign it: {error}",
                "See that the edge runs (./kiba doctor) and knows the domain; nothing could leave now.",
                mail.place,
            )
            continue
        except DnsUnavailable as error:
            yield skipped(f"DNS could not be asked for the key: {error}", "Try again.", mail.place)
            continue
        if not signatures:
            yield skipped("Another host signs (KIBA_SIGN=0), which cannot be seen from here.", "", mail.place)
        for signature in signatures:
            name = f"{signature.selector}._domainkey.{signature.domain} ({signature.algorithm})"
            if signature.fault:
                told = _told(rehearsal, "dkim", "ed25519")
                yield failure(
                    f"{name} does not verify: {signature.fault}. {told}".strip(),
                    _show(rehearsal),
                    mail.place,
                )
            else:
                yield passed(f"{name} verifies.", mail.place)


def spf(rehearsal: Rehearsal) -> Iterator[Finding]:
    """The return path's record lets our servers send."""
    for mail in rehearsal.mails[:1]:
        domain = mail.outgoing.composed.envelope_sender.rpartition("@")[2]
        check = _check(rehearsal, "return_path")
        if check.ok is None:
            yield skipped(check.message, "Try again.", domain)
        elif check.ok:
            yield passed(f"{domain} lets our servers send. {check.message}", domain)
        else:
            yield failure(check.message, _show(rehearsal), domain)


def dmarc(rehearsal: Rehearsal) -> Iterator[Finding]:
    """There is a policy, and this very mail passes it: by a signature of the From domain, or by SPF."""
    check = _check(rehearsal, "dmarc")
    for mail in rehearsal.mails[:1]:
        author = mail.outgoing.mail.origin.domain
        if check.ok is None:
            yield skipped(check.message, "Try again.", author)
        elif not check.ok:
            judged = failure if rehearsal.audience.total >= BULK else warning
            yield judged(check.message, _show(rehearsal), f"_dmarc.{author}")
        elif not _is_aligned(rehearsal, mail, author):
            yield failure(
                f"No signature of {author} verifies, so the mail is not aligned by DKIM.",
                "Mend what dkim says.",
                author,
            )
        else:
            yield passed(check.message, author)


def tracking_host(rehearsal: Rehearsal) -> Iterator[Finding]:
    """The host of links and unsubscribe pages answers as us."""
    for mail in rehearsal.mails[:1]:
        host = mail.tracking_host
        fault = link_hosts.fault_of(host)
        if fault:
            yield failure(
                f"Links would lead nowhere: {fault}", "Start webhook, or mend the proxy before it.", host
            )
        elif registrable(host) != registrable(mail.outgoing.mail.origin.domain):
            yield warning(
                f"Links lead to {host}, another domain than the sender's: filters judge its reputation too.",
                "Use a host of your own: PATCH /v1/domains/{id} {tracking_host} (docs/domains.md).",
                host,
            )
        else:
            yield passed(f"Links lead to {host}, which answers.", host)


def _is_aligned(rehearsal: Rehearsal, mail: RehearsedMail, author: str) -> bool:
    try:
        signatures = mail.signatures(rehearsal.look_up)
    except (NotSigned, DnsUnavailable):
        return False
    # Another host's signature cannot be seen from here.
    return not signatures or any(each.domain == author and not each.fault for each in signatures)


def _check(rehearsal: Rehearsal, kind: str) -> Check:
    return next(check for check in rehearsal.domain_checks if check.kind == kind)


def _told(rehearsal: Rehearsal, *kinds: str) -> str:
    """The exact difference, where the domain's own check knows one."""
    return " ".join(each.message for each in rehearsal.domain_checks if each.kind in kinds and not each.ok)


def _show(rehearsal: Rehearsal) -> str:
    domain = rehearsal.sending_domain
    return SHOW.format(domain=domain.name, id=domain.id)
