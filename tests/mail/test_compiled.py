import email
import email.policy
import re
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecars.mail.compiled import Sender, Tracking
from sidecars.mail.errors import Unsendable
from sidecars.mail.headers import clean
from sidecars.mail.templating import NOW, parse, render
from tests.mail.danger import dangers
from tests.mail.samples import AT, HOSTILE, MESSAGE_ID, NAMES, TOKEN, compiled, content, mail_to, recipient

BODY = (
    "<p title=\"{{ contact.properties.v }}\">Hi {{ contact.first_name | default: 'there' }}</p>"
    '<p style="color:{{ contact.properties.v }}">{{ contact.properties.v }}</p>'
    '<a href="https://a.example/{{ contact.properties.v }}">a</a><a href="{{ unsubscribe_url }}">out</a>'
    "{% if contact.properties.v %}{{ contact.properties.v }}{% endif %}"
)
SUBJECT = "{{ contact.first_name | default: 'Friends' }}, {{ contact.properties.v }}"
TEXT = "Hi {{ contact.first_name }}\n{{ contact.properties.v }}\n{{ unsubscribe_url }}\n"
PREPARED = content(BODY, SUBJECT, preheader="{{ contact.properties.v }}", text=TEXT)
MAIL = compiled(PREPARED)
FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
    "Feedback-ID", "X-Kibamail-Message-ID", "X-Kibamail-Broadcast-ID", "X-Kibamail-Contact-ID",
    "MIME-Version", "Content-Type",
]  # fmt: skip
VALUES = {**NAMES, **HOSTILE}


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, subtype: str) -> str:
    found = message.get_body((subtype,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def as_sent(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")


def assert_one_mail_of_two_parts(octets: bytes) -> None:
    message = read(octets)
    assert message.keys() == FIELDS
    assert message.defects == []
    assert [found.get_content_type() for found in message.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]  # fmt: skip
    assert octets.partition(b"\r\n\r\n")[2].count(b"--=_kibamail") == 3
    for line in octets.split(b"\r\n"):
        assert re.fullmatch(rb"[\t\x20-\x7e]*", line)
        assert not line.startswith((b".", b"From "))
        assert len(line) <= 78 or line.startswith((b"List-Unsubscribe: <", b" <mailto:"))


def assert_reads_as_rendered(octets: bytes, fields: dict) -> None:
    message = read(octets)
    unsubscribe = f"https://go.acme.example/u/{TOKEN}"
    whole = {"contact": fields, "unsubscribe_url": unsubscribe, NOW: AT}
    assert message["subject"] == as_sent(clean(render(parse(SUBJECT, "subject"), whole)))
    assert part(message, "plain") == as_sent(render(parse(TEXT, "text"), whole))
    assert dangers(part(message, "html")) == []


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_mail_reads_as_its_templates_in_every_script_and_whatever_a_value_tries(value):
    reader = recipient(properties={"v": value}, first_name=value)
    _, octets = mail_to(MAIL, reader)

    assert_one_mail_of_two_parts(octets)
    assert_reads_as_rendered(octets, {"first_name": value, "properties": {"v": value}})
    assert [address.addr_spec for address in read(octets)["to"].addresses] == ["maria@mail.example"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_at_all_makes_one_mail(value, name):
    _, octets = mail_to(MAIL, recipient(properties={"v": value}, first_name=name))

    assert_one_mail_of_two_parts(octets)
    assert_reads_as_rendered(octets, {"first_name": name, "properties": {"v": value}})


def test_html_reads_as_liquid_renders_it():
    prepared = content("<p>{{ contact.first_name }} &amp; {{ contact.properties.v }}</p>")
    mail = compiled(prepared, tracking=Tracking("https://go.acme.example", opens=False, clicks=False))
    _, octets = mail_to(mail, recipient(first_name="<Zoë>\r\nx", properties={"v": "=" * 100}))

    assert part(read(octets), "html") == (
        "<!DOCTYPE html>\n<html>\n<head>\n"
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\n</head>\n'
        f"<body><p>&lt;Zoë&gt;\nx &amp; {'=' * 100}</p></body>\n</html>\n"
    )


def test_the_envelope_names_the_mail():
    composed, _ = mail_to(MAIL, recipient())

    assert composed.envelope_sender == f"b-{TOKEN}@kb.acme.example"
    assert composed.recipient == "maria@mail.example"
    assert composed.needs_smtputf8 is False


def test_fields_of_a_broadcast():
    _, octets = mail_to(MAIL, recipient(first_name="Maria", last_name="Gonzalez"))
    message = read(octets)

    assert message["from"] == "Acme <news@acme.example>"
    assert message["to"] == "Maria Gonzalez <maria@mail.example>"
    assert message["date"].datetime == AT
    assert message["message-id"] == f"<{MESSAGE_ID}@acme.example>"
    assert message["list-id"] == "<3.acme.example>"
    assert message["list-unsubscribe"] == (
        f"<https://go.acme.example/u/{TOKEN}>, <mailto:u-{TOKEN}@kb.acme.example?subject=unsubscribe>"
    )
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["feedback-id"] == "7:12:broadcast:kibamail"
    assert message["x-kibamail-message-id"] == str(MESSAGE_ID)
    assert message["x-kibamail-broadcast-id"] == "7"
    assert message["x-kibamail-contact-id"] == "42"


@pytest.mark.parametrize(
    ("properties", "locale", "page"),
    [
        ({}, "", TOKEN),
        ({}, "de", f"{TOKEN}.de"),
        ({"language": "pt_BR"}, "de", f"{TOKEN}.pt-BR"),
        ({"locale": "fr", "language": "it"}, "", f"{TOKEN}.fr"),
        ({"language": "Deutsch/../x\r\nBcc: y"}, "", TOKEN),
        ({"language": ["fr"]}, "", TOKEN),
    ],
)
def test_links_to_pages_say_the_readers_language_else_the_audiences(properties, locale, page):
    body = '<a href="{{ unsubscribe_url }}">out</a>{% if true %}{{ preferences_url }}{% endif %}'
    mail = compiled(content(body, text="{{ unsubscribe_url }}"), locale=locale)
    message = read(mail_to(mail, recipient(properties=properties))[1])

    assert message["list-unsubscribe"].startswith(f"<https://go.acme.example/u/{page}>, <mailto:u-{TOKEN}@")
    assert part(message, "plain").strip() == f"https://go.acme.example/u/{page}"
    html = part(message, "html")
    assert f'"https://go.acme.example/u/{page}"' in html
    assert f">https://go.acme.example/p/{page}<" in html


def test_a_transactional_mail_has_no_list():
    mail = compiled(PREPARED, stream="transactional", broadcast_id=None, list_id=None, unsubscribe=False)
    message = read(mail_to(mail, recipient())[1])

    assert not any(field.startswith("List-") for field in message)
    assert "X-Kibamail-Broadcast-ID" not in message
    assert message["feedback-id"] == "12:transactional:kibamail"


@pytest.mark.parametrize("value", [name for name in VALUES.values() if clean(name)])
def test_senders_of_every_script(value):
    sender = Sender(value, "news@bücher.example", "answers@bücher.example")
    message = read(mail_to(compiled(PREPARED, sender=sender), recipient())[1])

    assert message["from"].addresses[0].addr_spec == "news@xn--bcher-kva.example"
    assert message["reply-to"] == "answers@xn--bcher-kva.example"
    assert len(message["from"].addresses) == 1
    assert message.keys() == [*FIELDS[:5], "Reply-To", *FIELDS[5:]]


def test_a_subject_without_merge_fields_is_shared():
    mail = compiled(content("{{ broadcast.subject }}", "Grüße aus Köln"))

    assert b"\r\nSubject: =?utf-8?b?R3LDvMOfZSBhdXMgS8O2bG4=?=\r\n" in b"".join(mail.shared)
    assert part(read(mail_to(mail, recipient())[1]), "plain") == "Grüße aus Köln\n"


def test_a_subject_of_the_recipients_own_can_stand_in_the_body():
    mail = compiled(content("<p>{{ broadcast.subject }}</p>", "For {{ contact.first_name }}"))
    message = read(mail_to(mail, recipient(first_name="Zoë & Co"))[1])

    assert message["subject"] == "For Zoë & Co"
    assert "<p>For Zoë &amp; Co</p>" in part(message, "html")


def test_values_are_as_many_as_fit_between_the_chunks():
    composed, octets = mail_to(MAIL, recipient(first_name="Maria"))

    assert len(composed.values) == len(MAIL.shared) - 1
    interleaved = b"".join(
        chunk + value for chunk, value in zip(MAIL.shared, (*composed.values, b""), strict=True)
    )
    assert octets == interleaved
    with pytest.raises(ValueError, match="sequence"):
        MAIL.assemble(composed.values[1:])


def test_what_is_the_recipients_own_is_small_beside_what_is_shared():
    composed, octets = mail_to(MAIL, recipient(first_name="Maria"))

    assert b"Maria" not in b"".join(MAIL.shared)
    assert TOKEN.encode() not in b"".join(MAIL.shared)
    assert sum(map(len, composed.values)) < len(octets) / 4


def test_an_address_outside_ascii_is_flagged_and_kept_in_the_header():
    composed, octets = mail_to(MAIL, recipient("jürgen@bücher.example"))

    assert composed.needs_smtputf8
    assert composed.recipient == "jürgen@xn--bcher-kva.example"
    assert "To: jürgen@xn--bcher-kva.example\r\n".encode() in octets


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: x@y.example", "a@b.example>", "nobody", "a b@c.example"]
)
def test_what_is_no_address_gets_no_mail(address):
    with pytest.raises(Unsendable):
        MAIL.compose(recipient(address), TOKEN, AT)


def test_what_cannot_be_rendered_for_one_recipient_is_said_of_that_one():
    loop = "{% for i in contact.properties.list %}"
    mail = compiled(content(f"{loop}{loop}{{% endfor %}}{{% endfor %}}x"))

    assert mail_to(mail, recipient(properties={"list": [1, 2]}))
    with pytest.raises(Unsendable, match="turns of its loops"):
        mail.compose(recipient(properties={"list": list(range(500))}), TOKEN, AT)


@pytest.mark.parametrize("token", ["", "short", TOKEN + "a", TOKEN[:-1] + "\n", TOKEN[:-2] + '">'])
def test_a_token_of_another_kind_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        MAIL.compose(recipient(), token, AT)


def test_the_same_recipient_gets_the_same_mail_twice():
    first, second = (mail_to(MAIL, recipient(first_name="Maria"))[1] for _ in range(2))

    assert first == second


def test_mails_differ_in_their_own_values_only():
    one = MAIL.compose(recipient(first_name="A"), TOKEN, AT)
    other = MAIL.compose(recipient(first_name="B")._replace(message_id=UUID(int=1)), TOKEN, AT)

    assert one.values != other.values
    assert len(one.values) == len(other.values)
