"""`python -m tests.corpus`: the share of the corpus that is read right; with a folder, write its mails there."""

# ruff: noqa: E501 - a mail's lines are as long as its server writes them.

import re
import sys
from pathlib import Path

from tests.corpus import mails
from tests.corpus.scores import table


def write(folder: Path) -> None:
    """Each mail as a file, named after its server and situation."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, mail in enumerate(mails()):
        name = re.sub(r"\W+", "-", f"{mail.server} {mail.name}").strip("-").lower()[:80]
        (folder / f"{number:03}-{name}.eml").write_bytes(mail.raw)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]))
    else:
        print(table())
