"""The Redis that the edge and the workers share. Keys are spelled in `sidecars/names.py`.

One that hangs is as one that is away: a call raises redis.TimeoutError, and nobody waits longer than for
CONNECT_SECONDS and ANSWER_SECONDS. It may still do what it was asked, so every command may come twice.
"""

from typing import Any

import redis as client
from typing_extensions import override

from sidecars.settings import settings
from sidecars.telemetry import waiting_for

CONNECT_SECONDS = 2
# Longer than a blocking pop of the queue, and than Redis waits for its disk (2 s, at `appendfsync everysec`).
ANSWER_SECONDS = 3


class _Connection(client.Connection):
    """Tells when Redis holds this process up."""

    @override
    def connect(self) -> None:
        with waiting_for("redis", is_away):
            super().connect()  # type: ignore[no-untyped-call]

    @override
    def read_response(self, *args: Any, **options: Any) -> Any:
        with waiting_for("redis", is_away):
            return super().read_response(*args, **options)


def is_away(error: BaseException) -> bool:
    """Whether Redis did not answer, so that the same command may succeed later."""
    return isinstance(error, client.ConnectionError | client.TimeoutError)


def connections(**options: Any) -> client.ConnectionPool:
    """A pool that connects at first use, with limits to every wait; safe for threads."""
    return client.ConnectionPool.from_url(
        settings.redis_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        **options,
    )


# Answers are text.
redis: client.Redis = client.Redis(
    connection_pool=connections(decode_responses=True, connection_class=_Connection)
)
