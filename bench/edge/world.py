"""Who writes, and to whom: fifty domains, each with an address of its own at the sink."""

from collections.abc import Iterator
from itertools import cycle, islice

SENDER = "news@news.kettle.example"
FIRST_ADDRESS = "127.0.30.1"
DOMAINS = tuple(f"mailbox{number}.example" for number in range(1, 51))
ADDRESSES = {domain: f"127.0.30.{number}" for number, domain in enumerate(DOMAINS, start=1)}


def exchanger(domain: str) -> str:
    """The domain's only MX; each is of a provider of its own."""
    return f"mx.{domain}"


def readers(count: int) -> Iterator[str]:
    """So many different addresses, spread evenly over the domains."""
    for number, domain in enumerate(islice(cycle(DOMAINS), count)):
        yield f"reader{number}@{domain}"


def first_name(address: str) -> str:
    """A reader's; no two have the same."""
    return address.partition("@")[0].title()
