"""What happens around every request: ids, logs, connections, and errors of ours."""

import logging
from uuid import UUID

import peewee
import pytest
import redis

from sidecars.api.app import create_app
from sidecars.api.lifecycle import WithRequestId
from sidecars.models import database
from tests.api.conftest import Caller


@pytest.fixture(scope="module")
def failing(stack):
    """An app with addresses that fail in the ways that a real one may."""
    app = create_app()

    def fail(error):
        def view():
            database.execute_sql("SELECT 1")
            raise error

        return view

    app.add_url_rule("/v1/bug", "bug", fail(RuntimeError("a bug")))
    app.add_url_rule("/v1/database", "database", fail(peewee.OperationalError(2006, "gone away")))
    app.add_url_rule("/v1/queue", "queue", fail(redis.ConnectionError("refused")))
    return app


def test_an_id_is_made(nobody):
    UUID(nobody.get("/v1/me").headers["X-Request-ID"])


@pytest.mark.parametrize("given", ["trace-0123456789", "a" * 64])
def test_a_callers_own_id_is_kept(nobody, given):
    assert nobody.get("/v1/me", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "spaces are not ids", "<script>alert</script>"])
def test_an_id_that_could_spoil_a_log_is_replaced(nobody, given):
    UUID(nobody.get("/v1/me", headers={"X-Request-ID": given}).headers["X-Request-ID"])


def test_a_request_is_one_line_of_log_with_its_ids(acme, caplog):
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(WithRequestId())
    acme.get("/v1/me", headers={"X-Request-ID": "trace-0123456789"})
    line = next(record for record in caplog.records if record.getMessage() == "request")
    assert (line.method, line.path, line.status) == ("GET", "/v1/me", 200)
    assert (line.team_id, line.request_id) == (acme.team.id, "trace-0123456789")
    assert line.ms >= 0


def test_health_is_not_logged(nobody, caplog):
    caplog.set_level(logging.INFO)
    assert nobody.get("/health").json["status"] == "ok"
    assert not [record for record in caplog.records if record.getMessage() == "request"]


def test_an_error_of_ours_names_the_request_and_nothing_else(failing):
    response = Caller(failing, "Acme").get("/v1/bug", headers={"X-Request-ID": "trace-0123456789"})
    assert response.status_code == 500
    assert response.json["request_id"] == "trace-0123456789"
    assert "a bug" not in response.get_data(as_text=True)


@pytest.mark.parametrize("service", ["database", "queue"])
def test_a_service_that_is_away_is_named_and_worth_another_try(failing, service):
    response = Caller(failing, "Acme").get(f"/v1/{service}")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert f"The {service} does not answer" in response.json["message"]


def test_connections_go_back_to_the_pool_whatever_happens(failing):
    caller = Caller(failing, "Acme")
    database.close()
    held = len(database._in_use)
    for _ in range(40):
        assert caller.get("/v1/bug").status_code == 500
        assert caller.get("/v1/nothing").status_code == 404
    assert len(database._in_use) == held


def test_metrics_tell_requests_apart_by_rule(acme, nobody):
    acme.get("/v1/contacts/con_1")
    acme.get("/v1/contacts/con_2")
    text = nobody.get("/metrics").get_data(as_text=True)
    assert 'url_rule="/v1/contacts/<contact_id>"' in text
    assert "/v1/contacts/con_1" not in text
