"""What an API key may do: everything, or nothing but submit mail, of one domain and one stream at most."""

from dataclasses import dataclass

SEND_ONLY = "send_only"
DOMAIN = "domain:"
STREAM = "stream:"


@dataclass(frozen=True)
class Scope:
    """A key with any limit submits mail and does nothing else: the API lets it in nowhere.

    `domain` is the one From domain (A-labels, lower case), `stream` is `broadcast` or `transactional`.
    """

    send_only: bool = False
    domain: str | None = None
    stream: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is anything that it may not do."""
        return self != EVERYTHING

    def words(self) -> list[str]:
        """As the database and the edge's record hold it; none for a key that may do everything."""
        if not self.is_limited:
            return []
        domain = [DOMAIN + self.domain] if self.domain else []
        stream = [STREAM + self.stream] if self.stream else []
        return [SEND_ONLY, *domain, *stream]

    @staticmethod
    def of(words: list[str]) -> "Scope":
        """The inverse of `words`."""
        return Scope(bool(words), _behind(DOMAIN, words), _behind(STREAM, words))


EVERYTHING = Scope()


def _behind(prefix: str, words: list[str]) -> str | None:
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), None)
