"""Product analytics to PostHog, where POSTHOG_KEY is set: what teams do, never whom they write to."""

from collections.abc import Mapping
from typing import Any

from posthog import Posthog

from sidecars.settings import settings

_client: Posthog | None = None


def to_posthog() -> None:
    """Connects `product_event` with PostHog; a thread of the library's sends, and flushes at exit."""
    global _client
    if settings.posthog_key:
        _client = Posthog(settings.posthog_key, host=settings.posthog_host or None, timeout=5)


def product_event(team_id: int, name: str, properties: Mapping[str, Any] | None = None) -> None:
    """Notes that a team did something, such as `broadcast published`. Never raises, never waits.

    The team is PostHog's `distinct_id`. Events are dropped where PostHog cannot keep up.
    """
    if _client is not None:
        _client.capture(name, distinct_id=f"team:{team_id}", properties=dict(properties or {}))
