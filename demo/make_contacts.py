"""Makes demo/contacts.csv: 10,000 invented people on reserved domains, the same to the byte on every run.

    python -m demo.make_contacts

Most have a mailbox at one of a few large providers; the others are at some 450 companies, a few of them
large. simulator/rules.toml says how each provider behaves.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from faker import Faker

FILE = Path(__file__).with_name("contacts.csv")
SEED = 20260101
CONTACTS = 10_000
COMPANIES = 450
TODAY = date(2026, 1, 1)

COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "city",
    "country",
    "language",
    "birthday",
    "plan",
    "signed_up_at",
    "score",
)

# Shares of all contacts; the rest are at companies.
MAILBOX_PROVIDERS = {
    "bigmail.example": 0.34,
    "postbox.example": 0.14,
    "courier.example": 0.09,
    "mobimail.example": 0.06,
    "penpal.example": 0.02,
}

# Locale, country, language, weight.
PLACES = (
    ("en_US", "US", "en", 20),
    ("en_GB", "GB", "en", 8),
    ("de_DE", "DE", "de", 14),
    ("fr_FR", "FR", "fr", 9),
    ("es_ES", "ES", "es", 5),
    ("nl_NL", "NL", "nl", 4),
    ("pt_BR", "BR", "pt", 4),
    ("pl_PL", "PL", "pl", 4),
    ("cs_CZ", "CZ", "cs", 2),
    ("sv_SE", "SE", "sv", 2),
    ("tr_TR", "TR", "tr", 3),
    ("vi_VN", "VN", "vi", 2),
    ("el_GR", "GR", "el", 2),
    ("ru_RU", "KZ", "ru", 3),
    ("uk_UA", "UA", "uk", 2),
    ("ka_GE", "GE", "ka", 1),
    ("hy_AM", "AM", "hy", 1),
    ("ar_SA", "SA", "ar", 2),
    ("fa_IR", "IR", "fa", 1),
    ("he_IL", "IL", "he", 2),
    ("hi_IN", "IN", "hi", 4),
    ("ta_IN", "IN", "ta", 1),
    ("bn_BD", "BD", "bn", 1),
    ("th_TH", "TH", "th", 2),
    ("ja_JP", "JP", "ja", 5),
    ("ko_KR", "KR", "ko", 3),
    ("zh_CN", "CN", "zh", 2),
    ("zh_TW", "TW", "zh", 2),
)
ROMANIZED = {"ja_JP", "zh_CN", "zh_TW"}
TRADES = (
    "bakery",
    "bikes",
    "books",
    "clinic",
    "foods",
    "garden",
    "law",
    "media",
    "music",
    "solar",
    "tea",
    "tools",
)

# Valid by RFC 5322 and seldom met; the kind of address on which an importer stumbles.
ODD_LOCAL_PARTS = (
    "q",
    "o'hara.mae",
    "news+kiba=weekly",
    "first.middle.last.and.one.more",
    "_underscored_",
    "1500450271",
    "customer/department=shipping",
    "{braces}",
    "!important#1",
    "x" * 64,
)
ODD_DOMAINS = (
    "xn--bcher-kva.example",
    "a-very-long-company-name-which-fills-the-label-of-63-characters.example",
)


def contacts() -> Iterator[dict[str, str]]:
    """All rows, no address twice."""
    chance = Random(SEED)  # noqa: S311 -- repeatable on purpose
    fakers = {locale: Faker(locale) for locale, *_ in PLACES}
    for number, faker in enumerate(fakers.values()):
        faker.seed_instance(SEED + number)
    companies = company_domains(chance, fakers["en_US"])
    popularity = list(accumulate(1 / (rank + 12) for rank in range(len(companies))))
    taken: set[str] = set()
    odd = odd_addresses(companies)
    while len(taken) < CONTACTS:
        locale, country, language, _ = chance.choices(PLACES, weights=[place[3] for place in PLACES])[0]
        faker = fakers[locale]
        first, last = faker.first_name(), faker.last_name()
        domain = mailbox_provider(chance)
        at_work = domain is None
        if domain is None:
            domain = chance.choices(companies, cum_weights=popularity)[0]
        local = local_part(chance, faker, locale, first, last, at_work)
        email = next(odd, f"{local}@{domain}")
        if email in taken:
            continue
        taken.add(email)
        yield {
            "email": email,
            "first_name": first if chance.random() < 0.95 else "",
            "last_name": last if chance.random() < 0.93 else "",
            "city": faker.city() if chance.random() < 0.85 else "",
            "country": country,
            "language": language,
            "birthday": birthday(chance) if chance.random() < 0.5 else "",
            "plan": chance.choices(("free", "plus", "business"), weights=(70, 22, 8))[0],
            "signed_up_at": signed_up_at(chance),
            "score": str(min(100, int(chance.expovariate(1 / 30)))),
        }


def mailbox_provider(chance: Random) -> str | None:
    """None for someone at a company."""
    share = chance.random()
    for domain, weight in MAILBOX_PROVIDERS.items():
        share -= weight
        if share < 0:
            return domain
    return None


def company_domains(chance: Random, faker: Faker) -> list[str]:
    """Distinct domains, the most popular first."""
    domains: dict[str, None] = {}
    while len(domains) < COMPANIES:
        domains[f"{slug(faker.last_name())}-{chance.choice(TRADES)}.example"] = None
    return list(domains)


def odd_addresses(companies: list[str]) -> Iterator[str]:
    """The odd ones come first, one after the other."""
    for number, local in enumerate(ODD_LOCAL_PARTS):
        yield f"{local}@{companies[number]}"
    for domain in ODD_DOMAINS:
        yield f"office@{domain}"


def local_part(chance: Random, faker: Faker, locale: str, first: str, last: str, at_work: bool) -> str:
    """In ASCII: from the name where it can be written so, as people do at work; else a nickname."""
    if locale in ROMANIZED:
        first, last = faker.first_romanized_name(), faker.last_romanized_name()
    first, last = slug(first), slug(last)
    if not first or not last:
        first, last = slug(faker.user_name()), ""
        return first if chance.random() < 0.3 else f"{first}{chance.randint(1, 999)}"
    if at_work:
        return chance.choice((f"{first}.{last}", f"{first[0]}.{last}", f"{first[0]}{last}", first))
    number = chance.choice(("", str(chance.randint(1, 99)), str(chance.randint(1955, 2007))))
    shape = chance.choice(("{0}.{1}{2}", "{0}{1}{2}", "{1}.{0}{2}", "{0}_{1}{2}", "{0}{2}"))
    return shape.format(first, last, number)


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits; empty where the script has no such form."""
    text = text.replace("ł", "l").replace("Ł", "L").replace("ß", "ss").replace("ı", "i").replace("đ", "d")
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "", plain.lower())[:30]


def birthday(chance: Random) -> str:
    """A date, ISO 8601, of someone of age."""
    return (TODAY - timedelta(days=chance.randint(18 * 365, 80 * 365))).isoformat()


def signed_up_at(chance: Random) -> str:
    """RFC 3339 in UTC, within four years before TODAY, more often lately."""
    seconds = int(chance.random() ** 1.6 * 4 * 365 * 86400)
    moment = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(path: Path) -> None:
    """UTF-8 and LF."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(contacts())


if __name__ == "__main__":
    write(FILE)
