"""Good requests by the OpenAPI document: no answer of ours fails, or is one that the document lacks."""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from sidecars.settings import settings as installation

SEED = 20261130
EXAMPLES = 2
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
# They ask other servers than ours, and take their time.
ELSEWHERE = re.compile(
    "rehears|verify_domain|rotate_domain|get_domain_records|test_send|test_webhook|single_sign"
)
SEARCH = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def schema(app):
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def operations(schema):
    """All but those that ask elsewhere."""
    for result in schema.get_all_operations():
        operation = result.ok()
        if not ELSEWHERE.search(operation.definition.raw["operationId"]):
            yield operation


@pytest.mark.usefixtures("goods")
def test_every_answer_to_a_good_request_is_one_of_the_document(schema, acme):
    headers = {"/v1": acme.key, "/operator": installation.operator_token.get_secret_value()}
    faults = []
    for operation in operations(schema):
        key = next(key for prefix, key in headers.items() if operation.path.startswith(prefix))
        faults += faults_of(operation, {"Authorization": f"Bearer {key}"})
    assert not faults, "\n\n".join(faults)


def faults_of(operation, headers):
    found = []

    @seed(SEED)
    @SEARCH
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case):
        try:
            case.call_and_validate(headers=headers, checks=CHECKS)
        except FailureGroup as group:
            found.append(f"{operation.label}: {group.exceptions[0]}")

    try:
        ask()
    except SchemathesisError as error:
        found.append(f"{operation.label}: {error!r}")
    return found
