"""No bytes by anyone raise, however damaged. `python -m tests.corpus.fuzz` goes on for longer."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecars.broadcasts.states import Reason
from sidecars.commands.bounce import described
from sidecars.deliverability.bounces import judge_reply, read_mail, reply_code
from tests.corpus import mails
from tests.corpus.fuzz import TARGETS, damaged, fuzz

ANY_MAIL = st.sampled_from([mail.raw for mail in mails()])


def is_said(raw):
    said = described(raw)
    assert said == json.loads(json.dumps(said, ensure_ascii=False).encode())
    assert said["is_bounce"] in (True, False)
    assert read_mail(raw).findings[0].rule != "unreadable"


@settings(deadline=None)
@given(ANY_MAIL, st.integers(0, 2**32))
def test_a_damaged_report_is_read(raw, seed):
    is_said(damaged(raw, random.Random(seed)))


@settings(deadline=None)
@given(ANY_MAIL, st.binary(max_size=200), st.integers(0, 3000))
def test_noise_within_a_report_is_read(raw, noise, at):
    is_said(raw[:at] + noise + raw[at:])


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_noise_alone_is_read(raw):
    is_said(raw)


@settings(deadline=None)
@given(st.none() | st.integers(0, 999), st.none() | st.text(max_size=12), st.text(max_size=300))
def test_any_reply_is_judged(code, enhanced, text):
    verdict = judge_reply(code, enhanced, text)

    assert verdict.rule
    assert isinstance(verdict.reason, Reason)
    assert reply_code(text) is None or 200 <= reply_code(text) <= 599


@pytest.mark.parametrize("target", TARGETS)
def test_a_moment_of_each_fuzzer_breaks_nothing_and_leads_to_several_readings(target):
    report = fuzz(target, 1, executions=40)

    assert (report.executions, report.broken) == (40, 0)
    assert len(report.said) > 2
