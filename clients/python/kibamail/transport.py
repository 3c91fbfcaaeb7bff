"""Requests, retries and errors: what all operations share."""

import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
PASSING = frozenset({429, 503})
LONGEST_WAIT_SECONDS = 60.0


class KibamailError(Exception):
    """The API said no. Its words are the text; `errors` has `{field, message}` of each thing wrong."""

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str) -> None:
        super().__init__(problem.get("message") or f"The API answered {status}.")
        self.status = status
        self.type: str = problem.get("type", "")
        self.errors: list[dict[str, str]] = problem.get("errors", [])
        self.problem = problem
        self.request_id = request_id

    def __str__(self) -> str:
        """The message, and the fields that it is about."""
        of_fields = [f"{error['field']}: {error['message']}" for error in self.errors if error.get("field")]
        return "; ".join([super().__str__(), *of_fields])


class Transport:
    """One key's way in, over kept connections. Not for several threads at once."""

    def __init__(self, api_key: str, base_url: str, *, timeout: float = 30.0, retries: int = 3) -> None:
        self._base = base_url.rstrip("/").removesuffix("/v1")
        self._timeout = timeout
        self._retries = retries
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def call(
        self,
        method: str,
        path: str,
        places: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        files: Mapping[str, Any] | None = None,
        once: bool = False,
        idempotency_key: str | None = None,
    ) -> Any:
        """The answer's JSON, its text where it is none, None where it is empty.

        What may safely be asked again is, where the connection broke or the answer was 429 or 503: reading,
        replacing, deleting, and what goes by an Idempotency-Key (`once`; made up where none is given).
        Raises KibamailError for any other answer than 2xx, requests.RequestException where there is none.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if once else {}
        named = {key: quote(str(value), safe="") for key, value in (places or {}).items()}
        url = self._base + path.format_map(named)
        asked: dict[str, Any] = {
            key: _spelled(value) for key, value in (query or {}).items() if value is not None
        }
        told: dict[str, Any] = {"data": body, "files": files} if files else {"json": body}
        tries = self._retries + 1 if (once or method in REPEATABLE) else 1
        for left in reversed(range(tries)):
            try:
                answer = self._session.request(
                    method, url, params=asked, headers=headers, timeout=self._timeout, **told
                )
            except (requests.ConnectionError, requests.Timeout):
                if not left:
                    raise
                time.sleep(_pause(tries - left))
                continue
            if answer.ok:
                return _content(answer)
            if not left or answer.status_code not in PASSING:
                raise _error(answer)
            time.sleep(_pause(tries - left, answer.headers.get("Retry-After", "")))
        raise AssertionError("the last try answers or raises")


def _pause(tried: int, wanted: str = "") -> float:
    """Seconds: what the server asks for, or 0.25, 0.5, 1 …"""
    return min(float(wanted) if wanted.isdigit() else 0.25 * 2 ** (tried - 1), LONGEST_WAIT_SECONDS)


def _spelled(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _content(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text


def _error(answer: requests.Response) -> KibamailError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {"message": answer.text[:200]}
    return KibamailError(answer.status_code, problem, answer.headers.get("X-Request-ID", ""))
