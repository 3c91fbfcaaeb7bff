"""Which rates stop a broadcast."""

import pytest

from sidecars.deliverability.stop_loss import Answers, Limits, harm

LIMITS = Limits(least_mails=100, hard_bounces=5, blocked=25, complaints=0.5)


def answers(mails=1000, hard_bounces=0, blocked=0, delivered=1000, complaints=0, provider="bigmail"):
    return Answers(provider, mails, hard_bounces, blocked, delivered, complaints)


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        ([answers(hard_bounces=50)], None),
        ([answers(hard_bounces=51)], "5.1% of mails bounced hard (51 of 1000, the limit is 5 %)"),
        ([answers(99, hard_bounces=99)], None),
        ([answers(100, hard_bounces=4, delivered=100, complaints=4)], None),
        (
            [answers(), answers(1000, hard_bounces=110)],
            "5.5% of mails bounced hard (110 of 2000, the limit is 5 %)",
        ),
        (
            [answers(delivered=800, complaints=5)],
            "0.6% of delivered mails were complained about (5 of 800, the limit is 0.5 %)",
        ),
        ([answers(delivered=1000, complaints=5)], None),
        (
            [answers(9000), answers(1000, blocked=251, provider="postbox")],
            "25.1% of mails to postbox were blocked there (251 of 1000, the limit is 25 %)",
        ),
        ([answers(1000, blocked=251, provider="")], None),
        ([], None),
    ],
)
def test_a_share_above_its_limit_is_told_with_the_figures(counted, told):
    assert harm(counted, LIMITS) == told


def test_no_limit_stops_nothing():
    assert harm([answers(hard_bounces=1000, blocked=1000, complaints=1000)], Limits(1)) is None
