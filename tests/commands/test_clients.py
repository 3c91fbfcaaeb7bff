"""The clients in clients/ are those of the API as it is."""

from infra.local.config import REPOSITORY
from sidecars.commands import clients


def test_what_is_generated_is_current():
    stale = [
        str(file.relative_to(REPOSITORY))
        for file, text in clients.generated().items()
        if file.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run: ./kiba clients"
