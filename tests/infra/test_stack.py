import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from kafka.admin import KafkaAdminClient

from infra.local.errors import LocalError
from infra.local.ports import is_free
from infra.local.service import Service
from infra.local.stack import Stack
from sidecars import names
from sidecars.settings import Settings
from tests.support import wait_for


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may break. Its path is longer than a socket's may be."""
    stack = Stack.ephemeral(tmp_path_factory.mktemp("stack") / ("long" * 30))
    stack.start_services()
    yield stack
    stack.stop()


SERVICES = ("kafka", "clickhouse", "mariadb", "redis", "s3")


def service(stack: Stack, name: str) -> Service:
    return next(service for service in stack.services if service.name == name)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_answers_a_query(own: Stack, name: str) -> None:
    assert service(own, name).check()


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_starts_again_with_its_data(own: Stack, name: str) -> None:
    killed = service(own, name)
    pid = killed.daemon.pid()
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    wait_for(lambda: killed.daemon.pid() is None)
    killed.start()
    assert killed.check()
    assert killed.daemon.pid() != pid


def test_starting_again_leaves_what_runs_alone(own: Stack) -> None:
    pids = [service.daemon.pid() for service in own.services]
    own.start_services()
    assert [service.daemon.pid() for service in own.services] == pids


def test_preparing_makes_every_topic_and_can_be_repeated(own: Stack) -> None:
    own.prepare()
    own.prepare()
    with KafkaAdminClient(bootstrap_servers=own.env()["KAFKA_BROKERS"]) as admin:
        partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    assert {name: partitions[name] for name in names.ALL_TOPICS} == dict.fromkeys(names.ALL_TOPICS, 3)


def test_the_database_speaks_utc_and_every_script(own: Stack) -> None:
    secrets, port = own.secrets, own.ports["mysql"]
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user="kibamail", password=secrets["mysql_password"], database="kibamail"
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@time_zone, @@character_set_database")
        assert cursor.fetchone() == ("+00:00", "utf8mb4")


def test_the_database_lets_nobody_in_without_the_password(own: Stack) -> None:
    for user in ("kibamail", "root"):
        with pytest.raises(pymysql.err.OperationalError):
            pymysql.connect(host="127.0.0.1", port=own.ports["mysql"], user=user)


def test_the_environment_fills_every_setting_that_differs_between_machines(own: Stack) -> None:
    env = own.own_env()
    needed = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if name.endswith(("_port", "_secret", "_key", "_url", "_endpoint"))
        and "empty:" not in str(field.description)  # those say what happens without them
    }
    assert needed <= set(env) | {"POSTHOG_KEY"}
    assert all(isinstance(value, str) and value for value in env.values())


def test_the_same_home_gives_the_same_stack_to_the_next_command(own: Stack) -> None:
    again = Stack.ephemeral(own.home)
    assert again.own_env() == own.own_env()
    assert again.running() == own.running()


def test_an_unknown_process_is_refused_with_those_there_are(own: Stack) -> None:
    with pytest.raises(LocalError, match=r"no process 'smpt'.*web, fanout, smtp"):
        own.start_processes("smpt")


def test_a_taken_port_is_named_with_its_service(tmp_path: Path) -> None:
    stack = Stack.ephemeral(tmp_path)
    port = stack.ports["redis"]
    told = pytest.raises(LocalError, match=f"Port {port}, wanted by redis, is taken")
    with socket.create_server(("127.0.0.1", port)), told:
        service(stack, "redis").start()


def test_stopping_leaves_no_process_and_no_open_port(tmp_path: Path) -> None:
    stack = Stack.ephemeral(tmp_path)
    stack.start_services()
    stack.stop()
    assert stack.running() == []
    assert [name for name, port in stack.ports.items() if not is_free(port)] == []
    assert processes_below(tmp_path) == []


def processes_below(home: Path) -> list[str]:
    """Command lines that mention `home`."""
    listing = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(home) in line and "ps -eo" not in line]
