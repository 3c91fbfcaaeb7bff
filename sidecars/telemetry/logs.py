"""Logs as JSON lines on stdout: `ts, level, process, event, logger`, the fields of `extra`, `exception`."""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from sidecars.settings import settings

# What a record carries of its own; everything beyond came in by `extra`.
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}

# Libraries that tell more than an operator wants to read at INFO.
_QUIET = ("botocore", "boto3", "kafka", "urllib3", "werkzeug", "posthog", "s3transfer")


_process = "python"


def process_name() -> str:
    """The process's name as `setup` was told."""
    return _process


class JsonFormatter(logging.Formatter):
    """One record, one line of JSON; `ts` is UTC by RFC 3339 with milliseconds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline. A value that JSON cannot carry is written as its `str`."""
        line: dict[str, Any] = {
            "ts": rfc3339(record.created),
            "level": record.levelname.lower(),
            "process": _process,
            "event": record.getMessage(),
            "logger": record.name,
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _RECORD_FIELDS)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 → `2026-11-24T10:15:30.125Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_stdout(process: str) -> None:
    """Makes the root logger the only one that writes, and sends what nothing caught through it too."""
    global _process
    _process = process
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("uncaught").critical("process ends by an exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or isinstance(args.exc_value, SystemExit):
        return
    logging.getLogger("uncaught").critical(
        "thread ends by an exception",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        extra={"thread_name": args.thread.name if args.thread else None},
    )
