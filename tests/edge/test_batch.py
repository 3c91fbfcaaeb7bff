"""The composer of batches, held to the shared vectors and to the edge's own parser."""

import json
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecars.edge.batch import Outgoing, Said, batches, document
from sidecars.edge.messages import Attribution
from sidecars.mail.compiled import Composed, Origin, Sender
from sidecars.mail.errors import Unsendable
from sidecars.mail.recipients import Recipient
from sidecars.mail.tokens import make_token
from tests.edge.batch_reader import read
from tests.mail.samples import AT, HOSTILE, NAMES, SECRET, compiled, content

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/batch"
INDEX = json.loads((VECTORS / "index.json").read_text("utf-8"))["vectors"]
# What a worker could have written: it signs nothing.
OURS = [vector["file"] for vector in INDEX if vector.get("refused") == [] and not vector["signed"]]
BODY = (
    "<p>Hi {{ contact.first_name | default: 'there' }}, {{ contact.properties.v }}</p>"
    '<p style="color:{{ contact.properties.v }}">'
    '<a href="https://a.example/{{ contact.properties.v }}">a</a></p>'
)
OWN_SUBJECT = compiled(content(BODY, "{{ contact.first_name }}, {{ contact.properties.v }}"))
SHARED_SUBJECT = compiled(content(BODY, "Grüße"))
MOST = 1 << 25

# Reads documents from lines of base64, one batch each; says of each what the edge makes of it.
PARSE = """
const { parseBatch } = require(process.argv[1])
const documents = require('node:fs').readFileSync(0, 'latin1').split('\\n').filter(Boolean)
const read = ({ mails, refused }) => ({
    refused,
    mails: mails.map((mail) => ({
        messageId: mail.messageId,
        claimKey: mail.claimKey,
        sender: mail.sender,
        recipient: mail.recipient,
        smtputf8: mail.smtputf8,
        subject: mail.subject,
        text: Buffer.concat(mail.parts()).toString('latin1'),
    })),
})
console.log(JSON.stringify(documents.map((text) => read(parseBatch(Buffer.from(text, 'base64'))))))
"""


@dataclass(frozen=True, eq=False)
class Template:
    """What a batch needs of a compiled mail."""

    origin: Origin
    subject: str | None
    shared: tuple[bytes, ...]


def parsed_by_the_edge(*documents):
    """What haraka/plugins/lib/batch_format.js answers to each document."""
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    command = (node, "-e", PARSE, str(ROOT / "haraka/plugins/lib/batch_format.js"))
    lines = b"\n".join(map(b64encode, documents))
    return json.loads(subprocess.run(command, input=lines, capture_output=True, check=True).stdout)


def outgoing(mail, contact_id=1, email="maria@mail.example", message_id=None, **fields):
    reader = Recipient(message_id or uuid4(), contact_id, email, **fields)
    composed = mail.compose(reader, make_token(reader.message_id, SECRET), AT)
    whose = Attribution(mail.origin.team_id, mail.origin.broadcast_id, contact_id, 0)
    return Outgoing(reader.message_id, whose, mail, composed)


def whole(mail):
    return mail.mail.assemble(mail.composed.values)


@pytest.mark.parametrize("file", OURS)
def test_a_vector_that_is_read_is_written_again_byte_by_byte(file):
    written = (VECTORS / file).read_bytes()
    batch = read(written)
    origin = Origin(*(batch.head[name] for name in Origin._fields))
    templates = [
        Template(origin, template["subject"], shared)
        for template, shared in zip(batch.head["templates"], batch.chunks, strict=True)
    ]
    mails = []
    for mail in batch.mails:
        message_id, contact_id, _, number, sender, recipient, smtputf8, subject, _, *said = mail.line
        whose = Attribution(origin.team_id, origin.broadcast_id, contact_id, 0)
        composed = Composed(sender, recipient, mail.values, bool(smtputf8), subject)
        words = Said(**said[0]) if said else None
        mails.append(Outgoing(UUID(message_id), whose, templates[number], composed, words))
    assert document(UUID(batch.head["id"]), mails) == written


def test_the_edge_reads_each_mail_as_it_was_composed():
    mails = [
        outgoing(template, contact_id, first_name=name, properties={"v": value})
        for contact_id, (template, name, value) in enumerate(
            (template, name, value)
            for template in (OWN_SUBJECT, SHARED_SUBJECT)
            for name in NAMES.values()
            for value in HOSTILE.values()
        )
    ]
    (read_batch,) = parsed_by_the_edge(document(uuid4(), mails))
    assert read_batch["refused"] == []
    for mail, found in zip(mails, read_batch["mails"], strict=True):
        assert found == {
            "messageId": str(mail.message_id),
            "claimKey": f"BROADCAST:7:{mail.whose.contact_id}",
            "sender": mail.composed.envelope_sender,
            "recipient": "maria@mail.example",
            "smtputf8": False,
            "subject": mail.composed.subject or mail.mail.subject,
            "text": whole(mail).decode("latin1"),
        }


anything = st.text(max_size=60) | st.sampled_from([*HOSTILE.values(), *NAMES.values()])
addresses = (
    st.tuples(anything, st.sampled_from(["mail.example", "bücher.example", "[192.0.2.1]", ""])).map("@".join)
    | st.emails()
    | anything
)
people = st.lists(st.tuples(addresses, anything, anything), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(people, min_size=1, max_size=4))
def test_whatever_people_are_called_no_mail_touches_another(groups):
    composed = []
    for group in groups:
        mails = []
        for contact_id, (email, name, value) in enumerate(group):
            template = OWN_SUBJECT if contact_id % 2 else SHARED_SUBJECT
            try:
                mails.append(outgoing(template, contact_id, email, first_name=name, properties={"v": value}))
            except Unsendable:
                continue
        if mails:
            composed.append(mails)
    documents = [document(uuid4(), mails) for mails in composed]
    for mails, written, edge in zip(composed, documents, parsed_by_the_edge(*documents), strict=True):
        batch = read(written)
        assert [mail.text for mail in batch.mails] == [whole(mail) for mail in mails]
        refused = {each["index"]: each["enhanced"] for each in edge["refused"]}
        # The edge takes no quoted local part that has to be quoted, and whatever else we compose.
        assert set(refused.values()) <= {"5.1.3"}
        assert all(mails[index].composed.recipient.startswith('"') for index in refused)
        taken = [mail for index, mail in enumerate(mails) if index not in refused]
        assert [found["recipient"] for found in edge["mails"]] == [mail.composed.recipient for mail in taken]
        assert [found["text"].encode("latin1") for found in edge["mails"]] == [whole(mail) for mail in taken]


def test_a_subject_of_its_own_stands_with_the_mail_and_a_shared_one_with_the_template():
    own = outgoing(OWN_SUBJECT, 1, first_name="Ada\ud800", properties={"v": "π"})
    shared = outgoing(SHARED_SUBJECT, 2)
    batch = read(document(uuid4(), [own, shared]))
    assert [template["subject"] for template in batch.head["templates"]] == [None, "Grüße"]
    assert [mail.line[7] for mail in batch.mails] == ["Ada , π", None]


def test_a_mail_of_no_broadcast_is_claimed_by_its_message_id():
    test_mail = compiled(content(BODY), stream="transactional", broadcast_id=None, list_id=None)
    mail = outgoing(test_mail, contact_id=99)
    batch = read(document(uuid4(), [mail]))
    assert (batch.head["broadcast_id"], batch.head["stream"]) == (0, "transactional")
    assert batch.mails[0].line[:3] == [str(mail.message_id), 0, f"EMAIL:{mail.message_id}"]


def test_a_mailbox_outside_ascii_asks_for_smtputf8():
    mail = outgoing(OWN_SUBJECT, 1, "用户@bücher.example")
    (edge,) = parsed_by_the_edge(document(uuid4(), [mail]))
    assert (edge["mails"][0]["recipient"], edge["mails"][0]["smtputf8"]) == (
        "用户@xn--bcher-kva.example",
        True,
    )


def test_what_does_not_fit_one_document_is_in_several_in_order():
    mails = [outgoing(OWN_SUBJECT, n, properties={"v": "x" * 1000}) for n in range(25)]
    room = len(document(uuid4(), mails)) // 4
    found = list(batches(mails, room))
    assert all(len(batch.document) <= room for batch in found)
    assert [mail.line[1] for batch in found for mail in read(batch.document).mails] == list(range(25))
    assert sum(batch.size for batch in found) == 25
    assert len({read(batch.document).head["id"] for batch in found}) == len(found)


def test_a_mail_that_is_too_large_by_itself_is_alone_and_left_to_the_edge():
    mails = [outgoing(OWN_SUBJECT, n, properties={"v": "x" * size}) for n, size in enumerate((1, 500_000, 1))]
    found = list(batches(mails, 100_000))
    assert [batch.size for batch in found] == [1, 1, 1]


def test_no_mails_are_no_batch():
    assert list(batches([], MOST)) == []


def test_mails_of_two_domains_are_not_put_into_one_batch():
    other = compiled(content(BODY), sender=Sender("Other", "news@other.example"))
    with pytest.raises(ValueError, match="a batch each"):
        document(uuid4(), [outgoing(OWN_SUBJECT, 1), outgoing(other, 2)])
