"""Every mail of the corpus is read for what it is."""

import pytest

from sidecars.deliverability.bounces import read_mail
from tests.corpus import mails
from tests.corpus.scores import failed_by_flufl, failed_by_us, is_right, kinds_by_us, table

BOUNCES = [mail for mail in mails() if mail.what == "bounce"]
OTHERS = [mail for mail in mails() if mail.what != "bounce"]


def name(mail):
    return f"{mail.server}: {mail.name}"


def test_the_corpus_is_large_and_varied():
    assert len(mails()) >= 300
    assert len({mail.server for mail in BOUNCES}) >= 40
    assert sum(mail.server == "ordinary" for mail in mails()) >= 60
    assert len({mail.raw for mail in mails()}) == len(mails())


@pytest.mark.parametrize("mail", BOUNCES, ids=name)
def test_a_bounce_names_who_failed_and_why(mail):
    assert kinds_by_us(mail) == mail.failed


@pytest.mark.parametrize("mail", OTHERS, ids=name)
def test_what_is_no_bounce_is_taken_for_none(mail):
    reading = read_mail(mail.raw)

    assert not reading.is_bounce
    assert reading.findings[0].kind == mail.what


@pytest.mark.parametrize("mail", [mail for mail in mails() if mail.message_id], ids=name)
def test_the_mail_that_came_back_is_known_by_its_id(mail):
    assert read_mail(mail.raw).message_id == mail.message_id


def test_more_is_found_than_by_the_library_alone(capsys):
    ours = sum(is_right(mail, failed_by_us(mail)) for mail in BOUNCES)
    flufls = sum(is_right(mail, failed_by_flufl(mail)) for mail in BOUNCES)
    with capsys.disabled():
        print(f"\n{table()}")

    assert ours == len(BOUNCES) > flufls
    assert sum(not is_right(mail, failed_by_us(mail)) for mail in OTHERS) == 0
