"""The same teams and receiver as the tests of what the courier does."""

from tests.callbacks.conftest import app_of_a_team, connected, happening, receiver

__all__ = ["app_of_a_team", "connected", "happening", "receiver"]
