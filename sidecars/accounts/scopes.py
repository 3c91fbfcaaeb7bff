"""What an API key may do: all that programs may, some of it, or nothing but submit mail."""

from collections.abc import Iterable
from dataclasses import dataclass

from sidecars.accounts.permissions import FOR_KEYS
from sidecars.names import KEY_SEND_ONLY

DOMAIN = "domain:"
STREAM = "stream:"


@dataclass(frozen=True)
class Scope:
    """Either a key with permissions of its own, none of them for all; or one that submits by SMTP alone.

    The API lets a key that is `send_only` in nowhere; to be of one domain or stream it must be so.
    `domain` is the one From domain (A-labels, lower case), `stream` is `broadcast` or `transactional`.
    """

    send_only: bool = False
    domain: str | None = None
    stream: str | None = None
    permissions: frozenset[str] = frozenset()

    def words(self) -> list[str]:
        """As the database and the edge's record hold it; none for a key that may do everything."""
        if not self.send_only:
            return sorted(self.permissions)
        domain = [DOMAIN + self.domain] if self.domain else []
        stream = [STREAM + self.stream] if self.stream else []
        return [KEY_SEND_ONLY, *domain, *stream]

    @staticmethod
    def of(words: list[str]) -> "Scope":
        """The inverse of `words`."""
        if KEY_SEND_ONLY in words:
            return Scope(True, _behind(DOMAIN, words), _behind(STREAM, words))
        return Scope(permissions=frozenset(words))

    def allowed(self) -> frozenset[str]:
        """The permissions that a key of this scope has in the API."""
        if self.send_only:
            return frozenset()
        return self.permissions & FOR_KEYS if self.permissions else FOR_KEYS


EVERYTHING = Scope()


def _behind(prefix: str, words: Iterable[str]) -> str | None:
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), None)
