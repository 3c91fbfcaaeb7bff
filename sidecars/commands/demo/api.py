"""A small client of our own HTTP API."""

from typing import Any

import requests


class ApiRefusal(Exception):
    """The API said no; the text is its own words."""


class Api:
    """One team's way in. Answers are the JSON of 2xx; anything else raises ApiRefusal."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **options: Any) -> Any:
        """GET below /v1."""
        return self._call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """POST below /v1, with `body` as JSON where there is one."""
        return self._call("POST", path, json=body, **options)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.session.request(method, f"{self.base}/v1{path}", timeout=60, **options)
        if not answer.ok:
            raise ApiRefusal(f"{method} /v1{path} answered {answer.status_code}: {answer.text[:800]}")
        return answer.json()
