"""What Postfix 3.7.11 and Exim 4.96 wrote when they were run for this.

Debian's packages, on loopback, under names of reserved domains. They handed over to a server that refused
each recipient in its way, or reached none, and gave up after seconds. The mails are as that server got them
back, with the envelope sender in front.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.writing import Mail

FOLDER = Path(__file__).with_name("real")

# File, and whom it tells of. Those without anybody are late.
FAILED = {
    "exim-bare": {"bare-ann@mailbox.example": "hard"},
    "exim-full": {"full-ann@mailbox.example": "mailbox_full"},
    "exim-gave-up": {"later-ann@mailbox.example": "soft"},
    "exim-late": {},
    "exim-late-refused": {},
    "exim-listed": {"listed-ann@mailbox.example": "block"},
    "exim-multiline": {"multi-ann@mailbox.example": "hard"},
    "exim-policy": {"policy-ann@mailbox.example": "policy"},
    "exim-refused": {"x@nowhere.example": "soft"},
    "exim-spam": {"spam-ann@mailbox.example": "content"},
    "exim-unknown": {"unknown-ann@mailbox.example": "hard"},
    "postfix-bare": {"bare-ann@mailbox.example": "hard"},
    "postfix-full": {"full-ann@mailbox.example": "mailbox_full"},
    "postfix-gave-up": {"later-ann@mailbox.example": "soft"},
    "postfix-late": {},
    "postfix-late-refused": {},
    "postfix-listed": {"listed-ann@mailbox.example": "block"},
    "postfix-multiline": {"multi-ann@mailbox.example": "hard"},
    "postfix-policy": {"policy-ann@mailbox.example": "policy"},
    "postfix-refused": {"x@nowhere.example": "soft"},
    "postfix-spam": {"spam-ann@mailbox.example": "content"},
    "postfix-two": {"full-ann@mailbox.example": "mailbox_full", "unknown-ann@mailbox.example": "hard"},
    "postfix-unknown": {"unknown-ann@mailbox.example": "hard"},
}


def mails() -> Iterator[Mail]:
    """Each file with what it is."""
    for name, failed in FAILED.items():
        server, _, situation = name.partition("-")
        raw = (FOLDER / f"{name}.eml").read_bytes()
        what = "bounce" if failed else "delay"
        yield Mail(f"real:{server}", situation, raw, what, failed, _returned_id(raw.decode()))


def _returned_id(text: str) -> str:
    """Our own header's id, or the Message-ID of the returned mail, which is the last."""
    own = re.search(r"^X-Kibamail-Message-ID: (\S+)", text, re.MULTILINE)
    return own[1] if own else re.findall(r"^Message-ID: (<\S+>)", text, re.MULTILINE | re.IGNORECASE)[-1]
