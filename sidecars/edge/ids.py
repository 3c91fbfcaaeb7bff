"""Ids that nobody counts: of mails, and of events."""

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID that sorts by its millisecond, RFC 9562 section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=bits)
