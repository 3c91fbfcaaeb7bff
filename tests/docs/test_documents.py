"""What the documentation says of files, commands and settings is so."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import pytest
from honcho.environ import parse_procfile
from markdown_it import MarkdownIt

from sidecars.settings import Settings

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs/refresh.py")
refresh = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(refresh)

DOCUMENTS = refresh.documents()
PARSER = MarkdownIt("commonmark").enable("table")


def inline_tokens(document):
    for token in PARSER.parse(document.read_text()):
        yield from token.children or ()


def links(document):
    for token in inline_tokens(document):
        target = token.attrGet("href") or token.attrGet("src")
        if target and not re.match(r"(https?|mailto):", target):
            yield target


def anchors(document):
    """Headings as GitHub turns them into fragments."""
    tokens = PARSER.parse(document.read_text())
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            yield re.sub(r"[^\w\- ]", "", content.content.lower()).replace(" ", "-")


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    for link in links(document):
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if fragment:
            assert fragment in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_generated_parts_are_current(document):
    text = document.read_text()
    assert refresh.refreshed(text) == text, "run: python docs/refresh.py"


@pytest.mark.parametrize("file", refresh.FILES)
def test_generated_files_are_current(file):
    assert (ROOT / file).read_text() == refresh.generated(file), "run: python docs/refresh.py"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_of_ours_that_are_named_exist(document):
    ours = r"`((?:sidecars|haraka|infra|simulator|docs|tests|demo|bench)/[\w./-]+)`"
    for path in re.findall(ours, document.read_text()):
        assert (ROOT / path).exists(), path


def test_a_part_that_is_out_of_date_is_printed_anew():
    stale = "<!-- output of: echo new -->\n\n```text\nold\n```\n\n<!-- end of output -->\nrest"
    assert refresh.refreshed(stale) == stale.replace("old", "new")


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs/decisions"
    listed = set(links(folder / "README.md"))
    assert listed >= {path.name for path in folder.glob("*.md")} - {"README.md"}


def test_operations_tell_of_every_process_type():
    operations = (ROOT / "docs/operations.md").read_text()
    for process in parse_procfile((ROOT / "Procfile").read_text()).processes:
        assert re.search(rf"^\| `{process}` \|", operations, re.MULTILINE), process


def test_the_release_is_the_same_everywhere():
    release = Settings.model_fields["release"].default
    assert f'"version": "{release}"' in (ROOT / "haraka/package.json").read_text()
