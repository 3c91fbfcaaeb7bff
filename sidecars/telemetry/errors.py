"""Errors to Sentry, where SENTRY_DSN is set."""

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger

from sidecars.settings import settings


def to_sentry(process: str) -> None:
    """Sends what is logged at ERROR and above, or raised through Flask.

    Recipients' data stays here: no request bodies, no local variables.
    """
    if not settings.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment,
        release=settings.release,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
    ignore_logger("kafka.*")  # Logs an error at each try to reconnect; what gives up raises in our own code.
    sentry_sdk.set_tag("process", process)
