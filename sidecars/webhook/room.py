"""Whether there is room for more of the edges' events: the enricher may be far behind, or away.

Events that are not taken stay at the edge, whose journal has a bound, above which it takes no mail.
Opens, clicks and unsubscribes are taken nevertheless: their visitors will not come again.
"""

import logging

from kafka.errors import KafkaError

from sidecars import names, streams
from sidecars.settings import settings
from sidecars.telemetry import hold, release

log = logging.getLogger(__name__)

_events = streams.Backlog({names.TOPIC_STATUSES: names.READERS[names.TOPIC_STATUSES]})


def is_there() -> bool:
    """False while more than KIBA_MAX_UNREAD_RECORDS wait for the enricher."""
    try:
        unread = _events.most()
    except KafkaError as error:
        # Whoever publishes will be told the same.
        log.warning("kafka does not tell how far the enricher is", extra={"error": repr(error)})
        return True
    if unread > settings.kiba_max_unread_records:
        hold("enricher")
        return False
    release("enricher")
    return True
