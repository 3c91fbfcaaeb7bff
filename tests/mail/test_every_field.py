"""Whatever stands in the fields that a mail is made of, it is one mail with the fields that it has."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecars.mail.compiled import Sender
from tests.mail.samples import HOSTILE, compiled, content, mail_to, recipient
from tests.mail.test_compiled import assert_one_mail_of_two_parts, read

TEXTS = st.sampled_from(list(HOSTILE.values())) | st.text(max_size=60)
BODY = '<p title="{{ contact.properties.v }}">{{ contact.name }}{{ contact.properties.v }}</p>'
SUBJECT = "{{ contact.first_name }} {{ contact.properties.v }} {{ broadcast.name }}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sender=TEXTS, first=TEXTS, last=TEXTS, value=TEXTS, words=TEXTS)
def test_no_text_of_sender_author_or_contact_adds_a_field_or_a_part(sender, first, last, value, words):
    plain = words.replace("{", "(")  # what Liquid makes of an author's words is in test_hostile
    prepared = content(BODY, f"{plain} {SUBJECT}", preheader="{{ contact.properties.v }}")
    mail = compiled(prepared, sender=Sender(sender, "news@acme.example"))

    composed, octets = mail_to(mail, recipient(first_name=first, last_name=last, properties={"v": value}))

    assert_one_mail_of_two_parts(octets)
    message = read(octets)
    assert [address.addr_spec for address in message["from"].addresses] == ["news@acme.example"]
    assert [address.addr_spec for address in message["to"].addresses] == ["maria@mail.example"]
    assert not set(composed.subject or "") & set("\r\n\0")
