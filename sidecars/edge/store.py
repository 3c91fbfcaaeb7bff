"""The Redis that the edge and the workers share. Keys are spelled in `sidecars/names.py`."""

from typing import Any

import redis as client
from typing_extensions import override

from sidecars.settings import settings
from sidecars.telemetry import waiting_for


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


# Connects at first use and keeps a pool; safe for threads. Answers are text.
redis: client.Redis = client.Redis(
    connection_pool=client.ConnectionPool.from_url(
        settings.redis_url, decode_responses=True, connection_class=_Connection
    )
)
