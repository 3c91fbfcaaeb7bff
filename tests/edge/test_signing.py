"""What the edge signs, verified by two libraries that it does not use: mailauth (Node) and dkimpy."""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from uuid import uuid4

import dkim
import pytest

from sidecars.edge.batch import document
from tests.edge.test_batch import OURS, OWN_SUBJECT, SHARED_SUBJECT, VECTORS, outgoing
from tests.mail.samples import HOSTILE, NAMES, compiled
from tests.mail.test_newsletter import PREPARED as NEWSLETTER

SIGN = Path(__file__).parents[2] / "haraka/test/support/sign_batches.js"


def signed_by_the_edge(*documents):
    """The mails with two signatures each: (the keys' records, the mails, mailauth's verdicts)."""
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    lines = b"\n".join(map(b64encode, documents))
    answer = json.loads(
        subprocess.run((node, str(SIGN)), input=lines, capture_output=True, check=True).stdout
    )
    mails = [b64decode(mail["signed"]) for mail in answer["mails"]]
    return answer["records"], mails, [mail["verdicts"] for mail in answer["mails"]]


def dkimpys_verdicts(mail, records):
    """What dkimpy says of the first and of the second signature."""

    def published(name, timeout=5):
        return records[name.decode().split(".")[0]].encode()

    def verdict(idx):
        try:
            return dkim.DKIM(mail).verify(idx, dnsfunc=published)
        except dkim.ValidationError:
            return False

    return [verdict(0), verdict(1)]


def signatures(mail):
    return [value for name, value in dkim.rfc822_parse(mail)[0] if name.lower() == b"dkim-signature"]


def assert_both_verify(*documents, count):
    records, mails, verdicts = signed_by_the_edge(*documents)
    assert len(mails) == count
    for mail, by_mailauth in zip(mails, verdicts, strict=True):
        assert len(signatures(mail)) == 2
        assert by_mailauth == ["pass", "pass"], mail
        assert dkimpys_verdicts(mail, records) == [True, True], mail


def test_both_signatures_verify_whatever_names_and_values_a_mail_holds():
    mails = [
        outgoing(template, contact_id, first_name=name, last_name=value, properties={"v": value})
        for contact_id, (template, name, value) in enumerate(
            (template, name, value)
            for template in (OWN_SUBJECT, SHARED_SUBJECT, compiled(NEWSLETTER))
            for name in NAMES.values()
            for value in HOSTILE.values()
        )
    ]
    assert_both_verify(document(uuid4(), mails), count=len(mails))


def test_both_signatures_verify_on_the_vectors_of_the_batch_format():
    documents = [(VECTORS / file).read_bytes() for file in OURS]
    mails = sum(json.loads(written.split(b"\r\n", 1)[0])["mails"] for written in documents)
    assert_both_verify(*documents, count=mails)


def whole(mail):
    """A batch of one mail that shares nothing, such as a submitted one."""
    head = {
        "v": 1,
        "id": str(uuid4()),
        "team_id": 7,
        "broadcast_id": 0,
        "stream": "transactional",
        "domain": "acme.example",
        "return_path_domain": "kb.acme.example",
        "signed": False,
        "templates": [{"subject": None, "chunks": [len(mail)]}],
        "mails": 1,
    }
    message_id = str(uuid4())
    line = [message_id, 0, f"EMAIL:{message_id}", 0, "b-1@kb.acme.example", "a@mail.example", 0, None, []]
    return b"\r\n".join([json.dumps(head).encode(), mail, json.dumps(line).encode(), b"", b""])


HEADER = b"From: a@acme.example\r\nTo: b@mail.example\r\n"


@pytest.mark.parametrize(
    "mail",
    [
        HEADER + b"\r\n",
        HEADER + b"\r\n\r\n\r\n\r\n",
        HEADER + b"\r\n \t\r\n",
        HEADER + b"\r\n a \t b\t\r\n\r\n \r\n\t\r\n",
        HEADER + b"\r\n.\r\n..\r\nFrom me\r\n",
        HEADER + b"Subject:\r\n\r\nno subject\r\n",
        HEADER + b"Subject:\r\n\ta \t\r\n b\t\r\n\r\nfolded\r\n",
        HEADER + b"SUBJECT: a\r\nsubject: b\r\nCc: c@mail.example\r\nCC: d@mail.example\r\n\r\ntwice\r\n",
        HEADER + b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example\r\n\r\nsigned by another\r\n",
        HEADER + "Subject: grüße\r\n\r\ngrüße\r\n".encode(),
        HEADER + b"Subject: " + b"x " * 400 + b"\r\n\r\n" + b"y " * 499 + b"\r\n",
        HEADER + b"\r\n\xff\xfe \x0b \x0c x\r\n",
    ],
)
def test_both_signatures_verify_on_whatever_teams_submit(mail):
    records, (signed,), _ = signed_by_the_edge(whole(mail))
    assert signed.endswith(mail)
    assert dkimpys_verdicts(signed, records) == [True, True]


def test_a_byte_that_other_alphabets_call_a_blank_is_none():
    """0xA0 ends an à in UTF-8 and is white space in Latin-1 (where mailauth 4.13 takes it for such)."""
    records, (signed,), _ = signed_by_the_edge(whole(HEADER + "Subject: voilà\r\n\r\nvoilà\r\n".encode()))
    assert dkimpys_verdicts(signed, records) == [True, True]


def test_a_change_on_the_way_is_seen():
    records, (signed,), _ = signed_by_the_edge(whole(HEADER + b"Subject: a\r\n\r\nbody\r\n"))
    changes = [
        (b"\r\n\r\nbody", b"\r\n\r\nBody"),
        (b"Subject: a", b"Subject: b"),
        (b"From: a@", b"From: x@evil.example\r\nFrom: a@"),
        (b"\r\n\r\nbody", b"\r\nCc: x@evil.example\r\n\r\nbody"),
    ]
    for before, after in changes:
        assert before in signed
        assert dkimpys_verdicts(signed.replace(before, after, 1), records) == [False, False], after
