import threading

import pytest
from prometheus_client import generate_latest

from sidecars.telemetry import backpressure, held_up_by, hold, release, waiting_for


def is_away(error):
    return isinstance(error, ConnectionError)


def ask(error=None):
    with waiting_for("thing", is_away):
        if error:
            raise error


def fail(error):
    with pytest.raises(type(error)):
        ask(error)


def test_who_is_answered_is_held_up_by_nothing():
    ask()

    assert held_up_by()["thing"] == 0


def test_a_service_that_is_away_holds_up_from_the_first_failure_to_the_next_answer():
    fail(ConnectionError())
    first = held_up_by()["thing"]
    fail(ConnectionError())
    assert held_up_by()["thing"] > first > 0

    fail(ValueError())  # an answer, though a bad one

    assert held_up_by()["thing"] == 0


def test_an_answer_that_puts_off_holds_up_too():
    with waiting_for("thing", is_away) as wait:
        wait.in_vain()
    assert held_up_by()["thing"] > 0

    ask()
    assert held_up_by()["thing"] == 0


def test_a_call_that_takes_long_holds_up_while_it_lasts(monkeypatch):
    monkeypatch.setattr(backpressure, "LATE_SECONDS", 0.0)
    asked, answered = threading.Event(), threading.Event()

    def ask_slowly():
        with waiting_for("thing", is_away):
            asked.set()
            answered.wait()

    thread = threading.Thread(target=ask_slowly)
    thread.start()
    asked.wait()
    during = held_up_by()["thing"]
    answered.set()
    thread.join()

    assert during > 0
    assert held_up_by()["thing"] == 0


def test_nobody_waits_for_what_nobody_asks_for_again(monkeypatch):
    fail(ConnectionError())
    assert held_up_by()["thing"] > 0

    monkeypatch.setattr(backpressure, "QUIET_SECONDS", 0.0)
    assert held_up_by()["thing"] == 0


def test_the_metric_names_the_cause():
    hold("thing")
    assert b'kibamail_backpressure{cause="thing"} 1.0' in generate_latest()

    release("thing")
    assert b'kibamail_backpressure{cause="thing"} 0.0' in generate_latest()
    assert b'kibamail_backpressure_seconds{cause="thing"} 0.0' in generate_latest()
