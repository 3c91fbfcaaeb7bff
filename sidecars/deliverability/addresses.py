"""Which texts are addresses that can be mailed, and the one spelling in which they are kept."""

import re
from functools import lru_cache

import email_validator
from email_validator import EmailNotValidError, validate_email

from sidecars.names import address_key

MAX_LENGTH = 254
MAX_LOCAL = 64

# The library refuses the reserved domain `test` (RFC 6761), where the demo and every trial live; nothing on
# the internet answers for it, so a mail to it only comes back.
if "test" in email_validator.SPECIAL_USE_DOMAIN_NAMES:
    email_validator.SPECIAL_USE_DOMAIN_NAMES.remove("test")

# Nine in ten addresses of a list, told valid without the library's 40 µs. Strictly narrower than the library:
# no `xn--` or other `--` label, no special-use domain, no dot at an end or beside another.
_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_PLAIN_DOMAIN = re.compile(
    r"(?:(?=[a-z0-9-]{1,63}\.)[a-z0-9](?:-?[a-z0-9])*\.)+(?!(?:arpa|invalid|local|localhost|onion)$)[a-z]{2,63}"
)


@lru_cache(maxsize=65_536)  # a list has few domains
def _is_plain(domain: str) -> bool:
    return _PLAIN_DOMAIN.fullmatch(domain) is not None


class AddressError(ValueError):
    """Not an address; the message says why, for the person who typed it."""


def checked(text: str) -> str:
    """The address in lower case with its domain in ASCII (RFC 5891), so that each mailbox has one spelling.

    Syntax only, no DNS. The local part may hold any script (RFC 6531). Raises AddressError.
    """
    address = address_key(text)
    local, at, domain = address.partition("@")
    is_short = len(local) <= MAX_LOCAL and len(address) <= MAX_LENGTH
    if at and is_short and _PLAIN_LOCAL.fullmatch(local) and _is_plain(domain):
        return address
    try:
        parts = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise AddressError(str(error)) from error
    kept = address_key(f"{parts.local_part}@{parts.ascii_domain}")
    if len(kept) > MAX_LENGTH:
        raise AddressError(f"The address is longer than {MAX_LENGTH} characters.")
    return kept


def domain_of(address: str) -> str:
    """What stands behind the last @."""
    return address.rpartition("@")[2]
