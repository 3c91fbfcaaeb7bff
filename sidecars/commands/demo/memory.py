"""What the demonstration made so far, so that a second run goes on where the first one stopped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEMORY = "demo.json"
# Ids that were remembered before they had prefixes.
PREFIXES = {"audience_id": "aud", "sender_id": "snd", "import_id": "imp", "broadcast_id": "bc"}


class Memory:
    """Facts by name in one JSON file, readable by its owner alone (it holds the demo team's API key)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        for name, prefix in PREFIXES.items():
            if isinstance(self.facts.get(name), int):
                self.facts[name] = f"{prefix}_{self.facts[name]}"
        if isinstance(self.facts.get("domain", {}).get("id"), int):
            self.facts["domain"]["id"] = f"dom_{self.facts['domain']['id']}"

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """The remembered fact, or what `make` returns, remembered from now on."""
        if name not in self.facts:
            self.keep(name, make())
        return self.facts[name]

    def keep(self, name: str, value: Any) -> None:
        """Remembers from now on."""
        self.facts[name] = value
        self._write()

    def forget(self, name: str) -> None:
        """Forgets, so that `once` makes it anew."""
        if name in self.facts:
            del self.facts[name]
            self._write()

    def _write(self) -> None:
        # Replaced whole, so that a kill leaves the old file or the new one.
        draft = self.path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.facts, indent=2))
        draft.replace(self.path)
