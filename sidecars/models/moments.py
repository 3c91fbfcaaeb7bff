"""Leases and rests by the database's clock.

Processes on several machines each have their own idea of the time, and any of them may be an hour wrong. What
one of them writes for another to wait for is therefore both set and judged by the one clock they share.
"""

from peewee import SQL


def from_now(seconds: float = 0) -> SQL:
    """SQL for the moment so many seconds from now."""
    return SQL("(UTC_TIMESTAMP(3) + INTERVAL %s SECOND)", [seconds])


def is_over(moment: str, longest: float) -> SQL:
    """SQL that tells whether `moment`, a column or an expression of one, has come.

    No moment is ever set further off than `longest` seconds. One that is was set before the database's clock
    was put back, and nobody waits for it.
    """
    return SQL(
        f"({moment} <= UTC_TIMESTAMP(3) OR {moment} > UTC_TIMESTAMP(3) + INTERVAL %s SECOND)", [longest]
    )
