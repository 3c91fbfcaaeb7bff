import asyncio

import pytest

from simulator.agenda import Agenda, Never, NotNow


async def settle(agenda):
    async with asyncio.timeout(10):
        while agenda.pending:
            await asyncio.sleep(0.01)


def run(scenario):
    """Runs `scenario(agenda, done)` with a list to note things in, until nothing is pending."""

    async def main():
        agenda, done = Agenda(), []
        await scenario(agenda, done)
        await settle(agenda)
        await agenda.close()
        return agenda, done

    return asyncio.run(main())


def noting(done, word, error=None):
    async def action():
        done.append(word)
        if error:
            raise error

    return action


def test_actions_run_in_the_order_in_which_they_are_due():
    async def scenario(agenda, done):
        for delay in (0.12, 0.04, 0.08, 0):
            agenda.add(delay, noting(done, delay))
        assert agenda.pending == 4

    assert run(scenario)[1] == [0, 0.04, 0.08, 0.12]


def test_what_did_not_succeed_is_tried_again():
    async def scenario(agenda, done):
        async def action():
            done.append("try")
            if len(done) < 3:
                raise NotNow("the host is down")

        agenda.add(0, action)

    agenda, done = run(scenario)
    assert (len(done), agenda.given_up) == (3, 0)


def test_tries_end(monkeypatch):
    monkeypatch.setattr(Agenda, "LONGEST_PAUSE", 0.001)

    async def scenario(agenda, done):
        agenda.add(0, noting(done, "try", NotNow("no")))

    agenda, done = run(scenario)
    assert (len(done), agenda.given_up) == (Agenda.TRIES, 1)


@pytest.mark.parametrize("error", [Never("refused"), RuntimeError("a mistake")])
def test_what_cannot_succeed_is_given_up_at_once(error):
    async def scenario(agenda, done):
        agenda.add(0, noting(done, "try", error))
        agenda.add(0.01, noting(done, "other"))

    agenda, done = run(scenario)
    assert (done, agenda.given_up) == (["try", "other"], 1)


def test_no_more_run_at_once_than_there_are_workers():
    running = []

    async def scenario(agenda, done):
        async def action():
            running.append(1)
            done.append(len(running))
            await asyncio.sleep(0.005)
            running.pop()

        for _ in range(200):
            agenda.add(0, action)

    _, done = run(scenario)
    assert max(done) == Agenda.WORKERS
    assert len(done) == 200


def test_closing_waits_for_what_runs_and_drops_the_rest():
    done = []

    async def main():
        agenda = Agenda()
        begun = asyncio.Event()

        async def action():
            begun.set()
            await asyncio.sleep(0.05)
            done.append("finished")

        agenda.add(0, action)
        agenda.add(30, noting(done, "later"))
        await begun.wait()
        await agenda.close()

    asyncio.run(main())
    assert done == ["finished"]
