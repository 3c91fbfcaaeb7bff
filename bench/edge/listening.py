"""Whether a server that has no better question to answer is up."""

from infra.local.ports import is_free


def must_listen(port: int) -> None:
    """Raises ConnectionError while nothing listens there."""
    if is_free(port):
        raise ConnectionError(f"nothing listens on port {port}")
