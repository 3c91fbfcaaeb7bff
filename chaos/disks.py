"""Small disks that can be filled to the last block, and emptied again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.errors import LocalError

BLOCK_BYTES = 4096


class SmallDisk:
    """The file system that `small_disk` mounted."""

    def __init__(self, folder: Path, size: int) -> None:
        self._filler = folder / "filler"
        self._size = size

    def fill(self) -> None:
        """Leaves no room: each write that needs some fails with ENOSPC, until somebody removes a file."""
        piece = self._size
        with self._filler.open("ab") as file:
            while piece >= BLOCK_BYTES:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
                except OSError:
                    piece //= 2

    def free(self) -> None:
        """Gives the room back."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """A file system of its own at `folder`, whose files go with it. Raises LocalError where it may not be."""
    size = megabytes * 1024 * 1024
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield SmallDisk(folder, size)
    finally:
        _run("umount", str(folder))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(
            f"`{' '.join(command)}` failed: {done.stderr.strip()}. Small disks need the right to mount: "
            "be root, or run `unshare --user --map-root-user --mount ./kiba chaos …`."
        )
