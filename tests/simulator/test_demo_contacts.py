"""The demo's contacts, and what the rules as they ship make of them."""

import csv
from collections import Counter

import pytest
from email_validator import validate_email

from demo.make_contacts import CONTACTS, FILE, write
from simulator.chance import Dice
from simulator.providers import NOBODY, Providers
from simulator.settings import Settings


@pytest.fixture(scope="module")
def contacts():
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def providers():
    return Providers.load(Settings().rules, Settings().seed)


def served(providers, contacts):
    for contact in contacts:
        yield contact["email"], providers.serving(contact["email"].rpartition("@")[2])


def test_the_file_is_made_again_to_the_byte(tmp_path):
    write(tmp_path / "contacts.csv")
    assert (tmp_path / "contacts.csv").read_bytes() == FILE.read_bytes()


def test_every_address_is_valid_on_a_reserved_domain_and_there_once(contacts):
    assert len({contact["email"] for contact in contacts}) == len(contacts) == CONTACTS
    for contact in contacts:
        assert contact["email"].endswith(".example")
        assert validate_email(contact["email"], check_deliverability=False)


def test_names_are_in_many_scripts(contacts):
    names = "".join(contact["first_name"] for contact in contacts)
    for sample in ("é", "ł", "ğ", "Σ", "Ж", "ა", "Ա", "م", "א", "क", "த", "ক", "ส", "子", "민"):
        assert sample.lower() in names.lower()


def test_several_hundred_domains_have_a_heavy_tail(contacts, providers):
    domains = Counter(contact["email"].rpartition("@")[2] for contact in contacts)
    assert len(domains) > 300
    assert 0.6 < sum(count for _, count in domains.most_common(5)) / CONTACTS < 0.7
    assert NOBODY.name not in {provider.name for _, provider in served(providers, contacts)}


def test_most_are_delivered_and_some_of_everything_happens(contacts, providers):
    dice = Dice(Settings().seed)
    counts = Counter(p.outcome_of(dice, email, 1).name for email, p in served(providers, contacts))
    lost = counts["unknown_user"] + counts["policy"] + counts["dsn"]
    assert 0.94 < 1 - lost / CONTACTS < 0.96
    assert 0.018 < counts["unknown_user"] / CONTACTS < 0.026
    assert 0.004 < counts["dsn"] / CONTACTS < 0.007
    assert 5 <= counts["complaint"] <= 20
    passing = ("greylist", "mailbox_full", "drop_rcpt", "drop_data", "drop_body", "drop_dot")
    assert all(counts[name] for name in passing)
    assert 0.015 < sum(counts[name] for name in passing) / CONTACTS < 0.05


def test_every_deferral_passes_within_three_tries(contacts, providers):
    dice = Dice(Settings().seed)
    for email, provider in served(providers, contacts):
        outcome = provider.outcome_of(dice, email, 3)
        assert outcome.action.value in ("accepted", "refused")


def test_people_act_in_the_usual_shares(contacts, providers):
    people = [provider.people for _, provider in served(providers, contacts)]
    assert sum(each.open for each in people) / CONTACTS == pytest.approx(0.35, abs=0.01)
    assert sum(each.click for each in people) / CONTACTS == pytest.approx(0.06, abs=0.003)
    assert sum(each.unsubscribe for each in people) / CONTACTS == pytest.approx(0.004, abs=0.0005)
