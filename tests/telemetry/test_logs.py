import json
import logging
import re
from uuid import UUID

from sidecars.telemetry.logs import JsonFormatter, rfc3339


def format_record(**extra):
    record = logging.getLogger("sidecars.broadcasts.slices").makeRecord(
        "sidecars.broadcasts.slices",
        logging.INFO,
        "slices.py",
        1,
        "slice %s",
        ("accepted",),
        None,
        extra=extra,
    )
    return JsonFormatter().format(record)


def test_a_line_holds_the_event_and_the_ids_it_was_given():
    message_id = UUID("01890f5e-3f40-7abc-8def-0123456789ab")
    line = json.loads(format_record(team_id=1, broadcast_id=7, message_id=message_id, edge="edge-1"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert line.pop("process")
    assert line == {
        "level": "info",
        "event": "slice accepted",
        "logger": "sidecars.broadcasts.slices",
        "team_id": 1,
        "broadcast_id": 7,
        "message_id": str(message_id),
        "edge": "edge-1",
    }


def test_a_line_break_in_a_value_cannot_start_another_line():
    assert "\n" not in format_record(recipient='a@b.example\n{"event": "forged"}')


def test_a_value_that_json_cannot_carry_does_not_lose_the_line():
    assert json.loads(format_record(raw=b"\xff", codes={1: 2}))["codes"] == {"1": 2}


def test_moments_are_utc_with_milliseconds():
    assert rfc3339(1790418930.1256) == "2026-09-26T10:35:30.125Z"


def test_every_logger_and_an_uncaught_exception_go_to_stdout_as_json(run_python):
    lines = run_python(
        """
import logging, warnings
from sidecars.telemetry import setup
setup("fanout")
logging.getLogger("huey.consumer").info("Huey consumer started")
warnings.warn("old")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a").exception("slice failed", extra={"broadcast_id": 3})
raise ValueError("the end")
""",
        exit_code=1,
        PYTHONWARNINGS="default",  # geoip2fast, once imported here, would have children ignore all
    )
    assert [line["level"] for line in lines] == ["info", "warning", "error", "critical"]
    assert {line["process"] for line in lines} == {"fanout"}
    assert lines[0]["logger"] == "huey.consumer"
    assert lines[2]["broadcast_id"] == 3
    assert "ZeroDivisionError" in lines[2]["exception"]
    assert lines[3]["exception"].endswith("ValueError: the end")


def test_an_exception_that_ends_a_thread_is_logged(run_python):
    (line,) = run_python(
        """
import threading
from sidecars.telemetry import setup
setup("enricher")
thread = threading.Thread(target=lambda: 1 / 0, name="clock")
thread.start()
thread.join()
"""
    )
    assert line["level"] == "critical"
    assert line["thread_name"] == "clock"


def test_a_process_says_which_release_started(run_python):
    (line,) = run_python(
        """
from sidecars.telemetry import setup
setup("enricher")
setup("fanout")
""",
        RELEASE="1.2.3",
    )
    assert line["event"] == "started"
    assert line["release"] == "1.2.3"
    assert line["process"] == "fanout"


def test_log_level_is_a_setting(run_python):
    code = (
        "import logging; from sidecars.telemetry import setup; setup('web'); logging.getLogger('a').info('b')"
    )
    assert run_python(code, LOG_LEVEL="WARNING") == []
    assert len(run_python(code, LOG_LEVEL="info")) == 1
