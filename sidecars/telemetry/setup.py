"""The one call with which a process starts."""

import logging

from sidecars.settings import settings
from sidecars.telemetry import errors, logs, memory, product


def setup(process: str) -> None:
    """Logs JSON to stdout, sends errors to Sentry and product events to PostHog where they are configured.

    `process` is the name in logs and in `/health`: web, webhook, fanout, enricher, cli. Calling again
    replaces what stood before.
    """
    memory.keep_large_buffers()
    logs.to_stdout(process)
    errors.to_sentry(process)
    product.to_posthog()
    logging.getLogger(__name__).info(
        "started", extra={"release": settings.release, "environment": settings.environment}
    )
