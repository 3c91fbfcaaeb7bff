import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from peewee import IntegrityError, OperationalError

from sidecars.transactional.group_commit import GroupCommit
from tests.support import wait_for


def test_who_comes_while_one_writes_is_written_together_and_hears_their_own_result():
    groups, first, go_on = [], threading.Event(), threading.Event()

    def write(items):
        groups.append(list(items))
        first.set()
        go_on.wait(60)
        return [item * 10 for item in items]

    commits = GroupCommit(write, most=4)
    with ThreadPoolExecutor(10) as threads:
        leader = threads.submit(commits.add, 0)
        first.wait(60)
        others = [threads.submit(commits.add, number) for number in range(1, 10)]
        wait_for(lambda: len(commits._waiting) == 9)
        go_on.set()
        assert leader.result() == 0
        assert [each.result() for each in others] == [number * 10 for number in range(1, 10)]
    assert [len(group) for group in groups] == [1, 4, 4, 1]


def test_a_row_that_is_refused_fails_for_its_own_item_alone():
    def write(items):
        if "bad" in items:
            raise IntegrityError
        return items

    commits = GroupCommit(write)
    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(commits.add, item) for item in ["a", "bad", "b", "bad", "c"] * 20]
        for item, result in zip(["a", "bad", "b", "bad", "c"] * 20, results, strict=True):
            if item == "bad":
                with pytest.raises(IntegrityError):
                    result.result()
            else:
                assert result.result() == item


def test_a_database_that_is_away_fails_for_all_and_the_next_is_tried_anew():
    away = True

    def write(items):
        if away:
            raise OperationalError
        return items

    commits = GroupCommit(write)
    with pytest.raises(OperationalError):
        commits.add(1)
    away = False
    assert commits.add(2) == 2
