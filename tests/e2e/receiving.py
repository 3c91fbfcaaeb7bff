"""A real Postfix as the receiving server of a domain, which takes every mail and fails afterwards.

OpenDKIM looks at the signatures, by the simulator's DNS. Postfix itself finds servers by a map, as the
system's resolver knows none of these names; whatever it sends back goes to the edge's inbound listener.
"""

import os
import pwd
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import requests

from infra.local import postfix
from infra.local.ports import free_ports
from infra.local.postfix import OpenDkim, Postfix
from infra.local.secrets import Certificate
from infra.local.stack import Stack

DOMAIN = "kiln.test"
HOST = f"mx.{DOMAIN}"
# No server of the simulator's is there; they share a port, as servers share 25.
ADDRESS = "127.0.26.1"
FORWARDED_TO = "unknown_user.moved@outcome.example"
FULL_BYTES = 200_000

MAIN = Template("""\
myhostname = $host
smtpd_peername_lookup = no
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = $certificate
smtpd_tls_key_file = $key
smtpd_relay_restrictions = reject_unauth_destination
smtpd_reject_unlisted_recipient = no
smtpd_milters = $milter
smtp_tls_security_level = encrypt
virtual_mailbox_domains = $domain
virtual_mailbox_base = $home/mailboxes
virtual_mailbox_maps = inline:{ { reader@$domain = reader/ }, { full@$domain = full } }
virtual_alias_maps = inline:{ { moved@$domain = $forwarded_to } }
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$uid
virtual_mailbox_limit = $full_bytes
message_size_limit = $full_bytes
transport_maps = texthash:$home/transport
delay_warning_time = 1s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
""")
GIVES_UP = "maximal_queue_lifetime = 5s\nbounce_queue_lifetime = 5s\n"

TRANSPORT = Template("""\
disabled@$domain error:5.2.1 This mailbox was disabled
picky@$domain picky:
away@$domain smtp:[127.0.0.1]:$nobody
outcome.example smtp:[127.0.25.15]:$port
$domain virtual:
* smtp:[127.0.0.1]:$inbound
""")
MASTER = Template("picky unix - n n - - pipe flags= user=nobody argv=/bin/sh $home/picky\n")
# As a program that delivers says no; see EX_NOPERM in sysexits.h.
PICKY = "echo '5.7.1 Message content rejected as spam'; exit 77\n"

VERIFIES = Template("""\
Mode v
AuthservID $host
InternalHosts 192.0.2.1
ResolverConfiguration $home/unbound.conf
""")
UNBOUND = Template("""\
server:
    do-not-query-localhost: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@$dns
""")


@dataclass(frozen=True)
class Receiver:
    """The running server."""

    home: Path
    postfix: Postfix

    def mails(self) -> list[bytes]:
        """What is in the mailbox of `reader`, with lines as they were in SMTP."""
        files = sorted((self.home / "mailboxes" / "reader" / "new").glob("*"))
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in files]

    def give_up(self) -> None:
        """From now on what is deferred is returned after seconds."""
        self.postfix.reload(GIVES_UP)


@contextmanager
def receiver(stack: Stack) -> Iterator[Receiver]:
    """Installs what is missing, and lets the simulator's DNS lead mail for DOMAIN here."""
    postfix.install(print)
    publish(stack, {"name": DOMAIN, "type": "MX", "value": f"10 {HOST}."})
    publish(stack, {"name": HOST, "type": "A", "value": ADDRESS})
    with TemporaryDirectory(prefix="kiba-receiver-") as folder:
        home = Path(folder)
        facts = _facts(home, stack)
        milter = OpenDkim(home, VERIFIES.substitute(facts))
        main = MAIN.substitute(facts, milter=milter.milter)
        server = Postfix(home, facts["port"], main, address=ADDRESS, master=MASTER.substitute(facts))
        _write(home, facts)
        with milter, server:
            yield Receiver(home, server)


def publish(stack: Stack, record: Mapping[str, str]) -> None:
    """In the simulator's DNS: name, type and value."""
    asked = {key: record[key] for key in ("name", "type", "value")}
    url = stack.url("simulator_http") + "/dns/records"
    requests.post(url, json=asked, timeout=10).raise_for_status()


def _facts(home: Path, stack: Stack) -> dict[str, object]:
    certificate = Certificate.below(stack.home)
    return {
        "home": home,
        "host": HOST,
        "domain": DOMAIN,
        "forwarded_to": FORWARDED_TO,
        "certificate": certificate.certificate,
        "key": certificate.key,
        # Mailboxes are nobody's where Postfix's own root does not own them: it delivers to no root.
        "uid": os.geteuid() or pwd.getpwnam("nobody").pw_uid,
        "full_bytes": FULL_BYTES,
        "port": stack.ports["simulator_smtp"],
        "dns": stack.ports["simulator_dns"],
        "inbound": stack.ports["smtp_inbound"],
        "nobody": free_ports(("nobody",))["nobody"],
    }


def _write(home: Path, facts: dict[str, object]) -> None:
    (home / "transport").write_text(TRANSPORT.substitute(facts))
    (home / "unbound.conf").write_text(UNBOUND.substitute(facts))
    (home / "picky").write_text(PICKY)
    mailboxes = home / "mailboxes"
    mailboxes.mkdir()
    (mailboxes / "full").write_bytes(b"x" * (FULL_BYTES - 100))
    for owned in (mailboxes, mailboxes / "full"):
        shutil.chown(owned, facts["uid"])
