import pytest
from playhouse.migrations import Runner

from sidecars.models import migrate
from sidecars.models.database import MIGRATIONS


@pytest.fixture
def scratch(created):
    with created("kibamail_migrations") as database:
        yield database


def definitions(scratch):
    """{table: its CREATE TABLE, without the counter of ids}."""
    tables = [table for table in scratch.get_tables() if table != "schema_migration"]
    return {table: scratch.execute_sql(f"SHOW CREATE TABLE {table}").fetchone()[1] for table in tables}


def test_up_down_up_ends_where_it_began(scratch):
    runner = Runner(scratch, str(MIGRATIONS))
    applied = runner.up()
    first = definitions(scratch)
    assert first
    assert runner.up() == []

    assert runner.down(target=applied[0]) == list(reversed(applied))
    assert definitions(scratch) == {}

    assert runner.up() == applied
    assert definitions(scratch) == first


def test_each_step_can_be_taken_back_and_again(scratch):
    runner = Runner(scratch, str(MIGRATIONS))
    before = definitions(scratch)
    for migration in runner.migrations():
        runner.up(target=migration.name)
        after = definitions(scratch)
        assert runner.down() == [migration.name]
        assert definitions(scratch) == before
        runner.up(target=migration.name)
        assert definitions(scratch) == after
        before = after


def test_a_migration_that_broke_half_way_goes_on(scratch):
    runner = Runner(scratch, str(MIGRATIONS))
    applied = runner.up()
    complete = definitions(scratch)
    scratch.execute_sql("DROP TABLE emails")
    runner.History.delete().execute()
    assert runner.up() == applied
    assert definitions(scratch) == complete


@pytest.mark.usefixtures("stack")
def test_the_applications_own_database_is_up_to_date():
    assert migrate() == []
