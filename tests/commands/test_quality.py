import pytest

from sidecars.commands.quality import unpinned

PINNED = """\
# by pip-compile
flask==3.1.3 \\
    --hash=sha256:00
    # via -r requirements.in
Ruamel.Yaml[jinja]==0.18.5 \\
    --hash=sha256:01
"""


@pytest.mark.parametrize("wanted", ["flask", "Flask>=3\nruamel_yaml", "-c other.txt\n# why\n\nflask==3.1.3"])
def test_what_the_pins_satisfy_is_fresh(wanted: str) -> None:
    assert unpinned(wanted, PINNED) == []


@pytest.mark.parametrize(("wanted", "stale"), [("flask\npeewee", "peewee"), ("flask>=4", "flask>=4")])
def test_what_was_added_or_raised_since_is_named(wanted: str, stale: str) -> None:
    assert unpinned(wanted, PINNED) == [stale]
