import pytest

from infra.local.ports import free_ports
from sidecars.settings import settings
from sidecars.telemetry import checks


@pytest.fixture
def nobody(monkeypatch):
    """Settings that point every service at a port where nobody listens."""
    port = free_ports(["nobody"])["nobody"]
    away = settings.model_copy(
        update={
            "database_url": f"mysql://kibamail@127.0.0.1:{port}/kibamail",
            "redis_url": f"redis://127.0.0.1:{port}/0",
            "kafka_brokers": f"127.0.0.1:{port}",
        }
    )
    monkeypatch.setattr(checks, "settings", away)


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("check", "says"),
    [
        (checks.mysql, "MySQL "),
        (checks.redis, "Redis "),
        (checks.kafka, "Kafka, 1 broker"),
    ],
)
def test_a_service_that_answers_tells_its_version(check, says):
    assert check().startswith(says)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("check", [checks.mysql, checks.redis, checks.kafka])
def test_a_service_that_is_away_raises(check):
    with pytest.raises(Exception, match=r"."):
        check()
