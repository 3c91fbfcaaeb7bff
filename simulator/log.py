"""Log lines as JSON on standard output."""

import logging
import sys

import orjson

from simulator.receipts import now

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class JsonFormatter(logging.Formatter):
    """The message is the event's name; what is passed as `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {"ts": now(), "level": record.levelname.lower(), "process": "simulator"}
        line["event"] = record.getMessage()
        line.update({name: value for name, value in vars(record).items() if name not in _OWN})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def setup() -> None:
    """Call once, before anything logs."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
