"""The client that apps make."""

from collections.abc import Callable, Iterator
from typing import Any

from kibamail.operations import Operations
from kibamail.transport import KibamailError

__all__ = ["Kibamail", "KibamailError"]


class Kibamail(Operations):
    """`Kibamail(api_key="kb_…", base_url="https://mail.acme.example").send_email({…})`.

    One method for each address of the API, named as its `operationId`; bodies and answers are dictionaries
    whose types are in `kibamail.models`. `timeout` is in seconds.
    """

    def __init__(self, *, api_key: str, base_url: str, timeout: float = 30.0, retries: int = 3) -> None:
        super().__init__(api_key, base_url, timeout=timeout, retries=retries)

    def every(self, operation: Callable[..., Any], *places: str, **query: Any) -> Iterator[Any]:
        """All of a list, page after page: `for contact in client.every(client.list_contacts, "aud_12")`."""
        cursor = None
        while True:
            page = operation(*places, **query, cursor=cursor)
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return
