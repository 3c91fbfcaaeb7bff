"""A team in the real database."""

import pytest

from sidecars.models import Team


@pytest.fixture
def team(stack):
    return Team.create(name="Acme")
