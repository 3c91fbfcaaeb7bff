import pytest

from simulator import store as store_module
from simulator.receipts import Subject
from simulator.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "mails", keep=10)
    yield store
    store.close()


def subject(recipient="a@bigmail.example", broadcast_id=1, message_id="m", provider="bigmail"):
    return Subject(message_id, broadcast_id, 1, recipient, provider)


def test_what_was_added_is_read_back_at_once(store):
    (mail,) = store.add(b"Subject: x\r\n\r\nbody", "b@kb.acme.example", [subject()])
    assert store.raw(mail) == b"Subject: x\r\n\r\nbody"
    assert store.get(mail.id) == mail


def test_recipients_of_one_mail_share_its_bytes(store):
    first, second = store.add(b"raw", "b@kb.acme.example", [subject("a@x.example"), subject("b@x.example")])
    assert first.place == second.place
    assert first.id != second.id


def test_only_the_newest_are_kept(store):
    mails = [store.add(b"%d" % n, "", [subject()])[0] for n in range(25)]
    assert [store.raw(mail) for mail in mails[14:]] == [None, *(b"%d" % n for n in range(15, 25))]
    assert [mail.id for mail in store.page()] == [mail.id for mail in mails[15:]]
    assert store.get(mails[0].id) is None


def test_segments_without_kept_mails_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "SEGMENT_BYTES", 1000)
    store = Store(tmp_path / "mails", keep=10)
    mails = []
    for number in range(40):
        mails += store.add(b"%d" % number * 200, "", [subject()])
        store.flush()
    assert len(list((tmp_path / "mails").glob("*.mails"))) <= 4
    assert [store.raw(mail) for mail in mails[-10:]] == [b"%d" % number * 200 for number in range(30, 40)]
    store.close()


def test_pages_follow_each_other(store):
    for number in range(9):
        store.add(b"x", "", [subject(broadcast_id=number % 2)])
    first = store.page(broadcast_id=0, limit=3)
    second = store.page(broadcast_id=0, limit=3, after=first[-1].id)
    assert [mail.subject.broadcast_id for mail in first + second] == [0] * 5
    assert len({mail.id for mail in first + second}) == 5


def test_mails_are_found_by_message_address_and_provider(store):
    store.add(b"x", "", [subject("Anna@bigmail.example", message_id="m1")])
    store.add(b"x", "", [subject("anna@postbox.example", message_id="m2", provider="postbox")])
    store.add(b"x", "", [subject("ben_@postbox.example", provider="postbox")])
    assert [mail.subject.message_id for mail in store.page(message_id="m1")] == ["m1"]
    assert [mail.subject.message_id for mail in store.search("ANNA")] == ["m2", "m1"]
    assert [mail.subject.message_id for mail in store.search("anna", "postbox")] == ["m2"]
    assert [mail.subject.recipient for mail in store.search("n_@")] == ["ben_@postbox.example"]


def test_mails_outlive_the_process_and_ids_go_on(store, tmp_path):
    (mail,) = store.add(b"first", "", [subject()])
    store.close()
    again = Store(tmp_path / "mails", keep=10)
    (next_mail,) = again.add(b"second", "", [subject()])
    assert (again.raw(mail), again.raw(next_mail), next_mail.id) == (b"first", b"second", mail.id + 1)
    again.close()


def test_reset_forgets_every_mail(store):
    (mail,) = store.add(b"x", "", [subject()])
    store.flush()
    store.reset()
    assert store.page() == []
    assert store.raw(mail) is None
    (later,) = store.add(b"y", "", [subject()])
    assert store.raw(later) == b"y"
