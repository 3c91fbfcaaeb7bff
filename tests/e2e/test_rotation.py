"""A DKIM key changes while mail flows: whatever arrives verifies by what DNS holds."""

import dkim

from sidecars.commands.demo.steps import DOMAIN
from tests.e2e.conftest import Demo
from tests.e2e.test_submission import credentials, mail, raw_of, received, starttls
from tests.support import wait_for


def test_mail_verifies_before_and_after_the_next_key_takes_over(demo: Demo) -> None:
    from sidecars.deliverability import domains
    from sidecars.models import SendingDomain, database

    with database.connection_context():
        domain = SendingDomain.get(SendingDomain.name == DOMAIN)
        assert signed_by(demo, "rotation.0@penpal.example") == domain.dkim_selector
        domains.rotate(domain.id)
    number = iter(range(1, 100))
    # Edges keep what they know of a domain for ten seconds.
    wait_for(
        lambda: signed_by(demo, f"rotation.{next(number)}@penpal.example") == domain.next_selector,
        timeout=30,
        interval=1,
    )


def signed_by(demo: Demo, to: str) -> str:
    """Sends a mail, and has dkimpy verify what arrives; the selector of its signature."""
    with starttls(demo) as client:
        client.login(*credentials(demo))
        client.send_message(mail(to))
    (receipt,) = wait_for(lambda: received(demo, to), timeout=30)
    verifier = dkim.DKIM(raw_of(demo, receipt))
    assert verifier.verify(dnsfunc=published)
    assert verifier.domain == DOMAIN.encode()
    return str(verifier.selector.decode())


def published(name: bytes, timeout: int = 5) -> bytes:
    """The TXT record in the simulator's DNS."""
    from sidecars.deliverability.dns_lookup import Dns

    return Dns()(name.decode().rstrip("."), "TXT")[0].encode()
