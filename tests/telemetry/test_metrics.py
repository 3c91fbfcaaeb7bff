import pytest
from prometheus_client import REGISTRY

from sidecars.telemetry import MAILS, STAGES, stage


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_stage_counts_its_mails_and_its_time():
    mails = value("kibamail_mails_total", stage="compose")
    runs = value("kibamail_stage_seconds_count", stage="compose")
    with stage("compose", 500):
        pass
    assert value("kibamail_mails_total", stage="compose") == mails + 500
    assert value("kibamail_stage_seconds_count", stage="compose") == runs + 1


def test_a_stage_that_fails_counts_its_time_but_no_mails():
    mails = value("kibamail_mails_total", stage="submit")
    runs = value("kibamail_stage_seconds_count", stage="submit")
    with pytest.raises(RuntimeError, match="edge gone"), stage("submit", 500):
        raise RuntimeError("edge gone")
    assert value("kibamail_mails_total", stage="submit") == mails
    assert value("kibamail_stage_seconds_count", stage="submit") == runs + 1


def test_stages_stand_in_the_order_of_a_mail():
    assert STAGES[0] == "plan"
    assert STAGES[-1] == "settle"
    assert MAILS.labels(STAGES[0])
