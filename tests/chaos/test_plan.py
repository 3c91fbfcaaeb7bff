from chaos.blows import CONNECTIONS, VICTIMS, kill, stop
from chaos.plan import Wanted, plan


def told(wanted):
    return [(trial.name, trial.blow.how, trial.number) for trial in plan(wanted)]


def test_each_victim_is_struck_by_each_signal_and_then_all_together():
    trials = told(Wanted(strikes=4, signals=[kill(), stop(30)], together=True))
    assert trials[: len(VICTIMS) + 1] == [
        *((victim, "SIGKILL", 4) for victim in VICTIMS),
        ("all at once", "SIGKILL", 2),
    ]
    assert trials[-1] == ("all at once", "SIGSTOP 30 s", 2)


def test_connections_have_no_clock():
    trials = told(Wanted(victims=("redis", CONNECTIONS), clock=-60, strikes=1))
    assert trials == [("redis", "clock -60 s", 1), ("all at once", "clock -60 s", 2)]


def test_only_edge_and_kafka_have_a_small_disk():
    assert told(Wanted(full_disk=True, strikes=1)) == [("smtp", "disk full", 1), ("kafka", "disk full", 1)]


def test_a_seed_draws_the_same_strikes_and_pauses_again_and_another_draws_others():
    wanted = Wanted(signals=[kill(), stop(30)], together=True, pauses=5, clock=60, full_disk=True)

    def drawn(seed):
        return [trial.schedule(seed) for trial in plan(wanted)]

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first == again
    assert all(ours != theirs for ours, theirs in zip(first, other, strict=True))
    assert all(0 < share < 1 for schedule in first for share, _ in schedule)
