from collections import Counter

import pytest
from pydantic import ValidationError

from simulator.chance import Dice
from simulator.providers import NOBODY, Providers
from simulator.settings import Settings

RULES = Settings().rules


@pytest.fixture(scope="module")
def providers():
    return Providers.load(RULES, "seed")


def outcomes(providers, domain, seed="seed", people=20_000):
    provider, dice = providers.serving(domain), Dice(seed)
    return [provider.outcome_of(dice, f"p{number}@{domain}", 1).name for number in range(people)]


def test_outcomes_repeat_with_the_seed_and_differ_without(providers):
    first = outcomes(providers, "bigmail.example")
    assert outcomes(Providers.load(RULES, "seed"), "bigmail.example") == first
    assert outcomes(providers, "bigmail.example", seed="another") != first


def test_outcomes_come_in_the_shares_of_the_rules(providers):
    counts = Counter(outcomes(providers, "bigmail.example"))
    for name, share in providers.serving("bigmail.example").outcomes.items():
        assert counts[name] / 20_000 == pytest.approx(share, rel=0.35)


def test_the_case_of_an_address_changes_nothing(providers):
    provider, dice = providers.serving("bigmail.example"), Dice("seed")
    for number in range(2000):
        lower, upper = f"p{number}@bigmail.example", f"P{number}@BigMail.example"
        assert provider.outcome_of(dice, lower, 1) == provider.outcome_of(dice, upper, 1)


@pytest.mark.parametrize(
    ("outcome", "met"), [("greylist", 1), ("rate_limit", 1), ("drop_dot", 1), ("unknown_user", 9)]
)
def test_a_passing_outcome_meets_the_first_attempts_and_a_final_one_all(providers, outcome, met):
    provider, dice = providers.serving("outcome.example"), Dice("seed")
    names = [provider.outcome_of(dice, f"{outcome}@outcome.example", n).name for n in range(1, 10)]
    assert names == [outcome] * met + ["accept"] * (9 - met)


def test_a_full_mailbox_can_stay_full(providers):
    provider = providers.serving("outcome.example")
    assert provider.outcome_of(Dice("seed"), "mailbox_full@outcome.example", 99).name == "mailbox_full"


@pytest.mark.parametrize("local", ["greylist", "greylist.7", "greylist+news", "Greylist.a.b"])
def test_an_address_at_the_outcome_domain_names_its_outcome(providers, local):
    provider = providers.serving("outcome.example")
    assert provider.outcome_of(Dice("seed"), f"{local}@outcome.example", 1).name == "greylist"


def test_company_domains_are_hosted_by_weight_and_stay_where_they_are(providers):
    hosts = Counter(providers.serving(f"company-{number}.example").name for number in range(5000))
    assert hosts["officehost"] / 5000 == pytest.approx(0.45, abs=0.04)
    assert hosts["attic"] / 5000 == pytest.approx(0.08, abs=0.02)
    assert providers.serving("Bücher.example") is providers.serving("xn--bcher-kva.example")


@pytest.mark.parametrize(
    "domain", ["gone.test", "bigmial.example", "sub.company.example", "company.invalid", "example.com", ""]
)
def test_other_domains_are_served_by_nobody_who_refuses_to_relay(providers, domain):
    assert providers.serving(domain) is NOBODY
    assert NOBODY.outcome_of(Dice("seed"), f"a@{domain}", 1).name == "no_relay"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("outcomes = { unheard_of = 0.1 }", "no outcome 'unheard_of'"),
        ("outcomes = { policy = 0.7, greylist = 0.7 }", "more than 1"),
        ("colour = 'red'", "colour"),
    ],
)
def test_a_mistake_in_the_rules_is_named(rules, lines, message):
    with pytest.raises(ValidationError, match=message):
        Providers.load(rules(lines), "seed")


def test_a_mail_exchanger_off_this_machine_is_refused(rules):
    path = rules("")
    path.write_text(path.read_text().replace("127.0.25.77", "192.0.2.1"))
    with pytest.raises(ValidationError, match="not a loopback address"):
        Providers.load(path, "seed")
