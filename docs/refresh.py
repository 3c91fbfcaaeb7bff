"""Writes the generated parts of the documentation anew: `python docs/refresh.py`.

A generated part stands between two comments, the first of which holds the command that prints it:

    <!-- output of: python -m sidecars.settings -->
    …
    <!-- end of output -->

A code fence directly inside the comments is kept around the output. FILES are generated as a whole.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(
    r"(?P<head><!-- output of: (?P<command>.+?) -->\n+(?:```\w*\n)?)"
    r".*?"
    r"(?P<foot>(?:\n```)?\n+<!-- end of output -->)",
    re.DOTALL,
)

FILES = {"docs/openapi.json": "python -m sidecars.api.openapi"}


def documents() -> list[Path]:
    """Every Markdown file of the project, which its tools' own folders are not."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def refreshed(text: str) -> str:
    """The text with each generated part printed anew. Raises CalledProcessError where a command fails."""
    return PART.sub(lambda part: part["head"] + _output(part["command"]) + part["foot"], text)


def generated(file: str) -> str:
    """What one of FILES should have in it. Raises CalledProcessError where its command fails."""
    return _output(FILES[file]) + "\n"


def _output(command: str) -> str:
    # The python that runs this, so that no other venv's answers.
    shell = re.sub(r"\bpython\b", sys.executable, command, count=1)
    done = subprocess.run(  # noqa: S602 - the commands are ours, from our own documents
        shell, shell=True, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip("\n")


def main() -> None:
    """Rewrites what is out of date and names it."""
    for document in documents():
        text = document.read_text()
        if (fresh := refreshed(text)) != text:
            document.write_text(fresh)
            print(f"refreshed {document.relative_to(ROOT)}")
    for file in FILES:
        fresh = generated(file)
        if not (ROOT / file).exists() or (ROOT / file).read_text() != fresh:
            (ROOT / file).write_text(fresh)
            print(f"refreshed {file}")


if __name__ == "__main__":
    main()
