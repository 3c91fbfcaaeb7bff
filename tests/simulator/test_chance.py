from statistics import median

from simulator.chance import Dice, heavy_tailed


def test_the_same_seed_and_words_give_the_same_number():
    assert Dice("a").draw("x", 1) == Dice("a").draw("x", 1)
    assert Dice("a").draw("x", 1) != Dice("b").draw("x", 1)
    assert Dice("a").draw("x", 1) != Dice("a").draw("x", 2)


def test_words_are_kept_apart():
    assert Dice("a").draw("xy", "z") != Dice("a").draw("x", "yz")


def test_draws_are_spread_evenly():
    draws = [Dice("a").draw(number) for number in range(10_000)]
    assert all(0 <= draw < 1 for draw in draws)
    for tenth in range(10):
        assert 900 < sum(tenth <= draw * 10 < tenth + 1 for draw in draws) < 1100


def test_delays_are_short_for_most_and_long_for_some_and_never_beyond_the_longest():
    delays = [heavy_tailed(number / 10_000, 3600, 1.5, 86_400) for number in range(10_000)]
    assert 3000 < median(delays) < 3700
    assert sum(delays) / len(delays) > 1.5 * median(delays)
    assert 80_000 < max(delays) <= 86_400


def test_a_generator_can_be_had_again():
    assert Dice("a").generator("x").random() == Dice("a").generator("x").random()
