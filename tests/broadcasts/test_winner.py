"""Which variant of a test is best: by its probability, the same whenever it is asked."""

import pytest

from sidecars.broadcasts.winner import DRAWS, Tried, choose


def judged(*figures, criterion="clicks", seed=7):
    tried = [Tried(10 + place, name, *rest) for place, (name, *rest) in enumerate(figures)]
    return choose(tried, criterion, seed)


def test_a_clear_winner_is_told_with_figures():
    verdict = judged(("Short", 1000, 80), ("Long", 1000, 120))
    assert (verdict.winner_id, verdict.is_clear) == (11, True)
    assert "“Long” wins: it is the best with a probability of 99." in verdict.explanation
    assert "“Short”: 80 of 1,000 delivered mails were clicked (8.0%)" in verdict.explanation
    assert verdict == judged(("Short", 1000, 80), ("Long", 1000, 120))


# Evan Miller, "Formulas for Bayesian A/B Testing" (https://www.evanmiller.org/bayesian-ab-testing.html): the
# probability that the second is better, in closed form, computed with fractions.
@pytest.mark.parametrize(
    ("first", "second", "probability"),
    [
        ((10, 5), (10, 5), 0.5),
        ((10, 2), (10, 6), 0.9598),
        ((100, 10), (100, 13), 0.7425),
        ((0, 0), (10, 10), 0.9167),
    ],
)
def test_the_probability_is_that_of_the_closed_form(first, second, probability):
    verdict = judged(("", *first), ("", *second))
    assert sum(verdict.probabilities) == pytest.approx(1)
    assert verdict.probabilities[1] == pytest.approx(probability, abs=4 * 0.5 / DRAWS**0.5)


def test_where_none_is_clearly_the_best_the_likeliest_goes():
    verdict = judged(("A", 50, 5), ("B", 50, 7), ("C", 50, 6), criterion="opens")
    assert (verdict.winner_id, verdict.is_clear) == (11, False)
    assert "No variant is clearly the best. “B” goes to the rest" in verdict.explanation
    assert "opened" in verdict.explanation


def test_where_nobody_clicked_the_first_goes():
    verdict = judged(("", 50, 0), ("", 5, 0))
    assert (verdict.winner_id, verdict.is_clear) == (10, False)
    assert "Variant 1, the first, goes to the rest" in verdict.explanation
    assert judged(("", 0, 0), ("", 0, 0)).winner_id == 10


def test_people_may_be_heard_of_before_their_delivery_is():
    assert judged(("", 0, 3), ("", 10, 0)).winner_id == 10
