"""Mail addresses as they go into an envelope."""

import re
from functools import lru_cache

import idna

from sidecars.mail.errors import Unsendable
from sidecars.names import UNSUBSCRIBE_PREFIX, VERP_PREFIX

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOT_ATOM = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED = r"\"(?:[ !#-\[\]-~]|\\[ -~])*\""
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321 §4.5.3.1: 64 octets before the @, and 254 in all (a path of 256 with its angle brackets).
_ASCII_ADDRESS = re.compile(rf"(?:{_DOT_ATOM}|{_QUOTED})(?<!.{{65}})@{_DOMAIN}")
_MAX_OCTETS = 254
# RFC 6531 §3.3 adds all of UTF-8 outside ASCII to atext.
_UNICODE_LOCAL = re.compile(
    rf"(?:{_ATEXT}|[^\x00-\x9f\s\ud800-\udfff])+(?:\.(?:{_ATEXT}|[^\x00-\x9f\s\ud800-\udfff])+)*"
)


def envelope_address(address: str) -> tuple[str, bool]:
    """The address for RCPT TO, its domain as A-labels, and whether its local part needs SMTPUTF8.

    Raises Unsendable for what is no address: nothing that passes can end a line or a command.
    """
    if _is_ascii_address(address):
        return address, False
    local, _, domain = address.rpartition("@")
    try:
        ascii_address = f"{local}@{_a_labels(domain)}"
    except idna.IDNAError as error:
        raise Unsendable(f"The domain of {address!r} is not valid: {error}.") from error
    if _is_ascii_address(ascii_address):
        return ascii_address, False
    if local.isascii() or len(local.encode("utf-8", "replace")) > 64 or not _UNICODE_LOCAL.fullmatch(local):
        raise Unsendable(f"{address!r} is not a mail address.")
    return ascii_address, True


def _is_ascii_address(address: str) -> bool:
    return len(address) <= _MAX_OCTETS and _ASCII_ADDRESS.fullmatch(address) is not None


@lru_cache(maxsize=10_000)
def _a_labels(domain: str) -> str:
    return idna.encode(domain, uts46=True).decode("ascii")


def bounce_address(token: str, return_path_domain: str) -> str:
    """The envelope sender of one mail (VERP): what bounces comes back to an address that names it."""
    return f"{VERP_PREFIX}{token}@{return_path_domain}"


def unsubscribe_address(token: str, return_path_domain: str) -> str:
    """Where a mail client writes to for List-Unsubscribe's mailto."""
    return f"{UNSUBSCRIBE_PREFIX}{token}@{return_path_domain}"
