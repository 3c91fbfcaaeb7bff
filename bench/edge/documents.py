"""The figures of docs/performance.md: kept beside it as JSON, drawn, and printed into it."""

import json
import subprocess
import sys

from bench.edge.plot import draw
from bench.edge.summary import Summary
from infra.local.config import REPOSITORY

DOCS = REPOSITORY / "docs"


def write_documents(summary: Summary) -> None:
    """Replaces docs/performance.json and .svg, and what docs/performance.md prints of them."""
    figures = summary.as_json()
    (DOCS / "performance.json").write_text(json.dumps(figures, indent=1) + "\n")
    draw(figures, DOCS / "performance.svg")
    subprocess.run((sys.executable, str(DOCS / "refresh.py")), check=True)
