"""What each edge has taken and not done yet, as the edges tell it, each second."""

import logging

from pydantic import BaseModel, ValidationError

from sidecars import names
from sidecars.edge.store import redis

log = logging.getLogger(__name__)


class SpoolState(BaseModel):
    """Mails in spool and queue; of them those of broadcasts, by id; bytes of events that were not posted."""

    mails: int
    broadcasts: dict[int, int]
    event_bytes: int


def read() -> dict[str, SpoolState]:
    """By name, every edge that was heard of in the last ten seconds. Raises redis.RedisError."""
    told = {}
    for key in sorted(redis.scan_iter(match=names.spool_state_key("*"), count=1000)):
        # Between the two commands it may have been forgotten.
        if (text := redis.get(key)) is not None:
            try:
                told[str(key).removeprefix(names.spool_state_key(""))] = SpoolState.model_validate_json(text)
            except ValidationError as error:
                log.warning("an edge's spool cannot be read", extra={"key": key, "error": str(error)[:500]})
    return told
