"""docs/security.md names a test for each attack, and each is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(r"`((?:tests|haraka/test)/[\w./]+)::([^`]+)`", TEXT)


def test_each_attack_names_a_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| Attack")]

    assert len(rows) == len(NAMED) > 30


def test_each_test_that_is_named_is_there():
    for path, name in NAMED:
        code = (ROOT / path).read_text()
        # JavaScript's tests have titles, of which the beginning or a part is named.
        assert f"def {name}(" in code if path.endswith(".py") else name in code, (path, name)
