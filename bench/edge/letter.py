"""The one mail of the comparison: 10 KB as delivered, three merge fields, one tracked link, a pixel.

Kibamail composes it for each reader from `BODY`. Postfix and stock Haraka, which compose nothing, are given
the very bytes that Kibamail composed, with another Message-ID and reader each.
"""

from datetime import UTC, datetime
from uuid import UUID

from bench.edge.world import SENDER, first_name
from sidecars.mail.compiled import Sender, Tracking, compile_mail
from sidecars.mail.content import ContentSource, prepare
from sidecars.mail.recipients import Recipient
from sidecars.mail.tokens import make_token

DOMAIN = SENDER.partition("@")[2]
SENDER_NAME = "The Kettle"
SUBJECT = "{{ contact.first_name | default: 'Friend' }}, the kettle is on"
PARAGRAPH = (
    "<p>The kettle is on, and a letter from the hills has come in with the first of this year's leaves: "
    "light, a little green, and better by the second cup.</p>\n"
)
BODY = (
    "<p>Hello {{ contact.first_name | default: 'Friend' }}, how is {{ contact.properties.city }}?</p>\n"
    '<p><a href="https://shop.kettle.example/spring">Spring leaves</a> '
    "for {{ contact.properties.plan }} members.</p>\n"
) + PARAGRAPH * 53
TEXT = "Hello {{ contact.first_name | default: 'Friend' }}, how is {{ contact.properties.city }}?\n"
CITY, PLAN = "Darjeeling", "gold"


def on_the_wire() -> bytes:
    """One finished mail with its final dot, dot-stuffed; `{recipient}` and `{number}` to be filled in."""
    prepared = prepare(ContentSource("html", SUBJECT, "", BODY, TEXT))
    tracking = Tracking("http://go.kettle.example", opens=True, clicks=True)
    compiled = compile_mail(
        prepared, Sender(SENDER_NAME, SENDER), "broadcast", 1, 1, tracking, f"kb.{DOMAIN}", True, DOMAIN, 1
    )
    message_id = UUID(int=1)
    properties = {"city": CITY, "plan": PLAN}
    address = "reader@mailbox.example"
    reader = Recipient(message_id, 1, address, properties=properties, first_name=first_name(address))
    token = make_token(message_id, "a secret of this comparison, of 32 or more")
    composed = compiled.compose(reader, token, datetime.now(UTC))
    mail = compiled.assemble(composed.values)
    mail = mail.replace(address.encode(), b"{recipient}", 1)
    mail = mail.replace(f"<{message_id}@".encode(), b"<{number}@", 1)
    return b"\r\n".join(b"." + line if line[:1] == b"." else line for line in mail.split(b"\r\n")) + b".\r\n"
