"""Buffered appending: lines wait in memory for a moment and go to the file together."""

from pathlib import Path


class AppendOnlyFile:
    """A file that grows by whole records. What was added is on disk after `flush`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self.size = self._file.tell()
        self._waiting: list[bytes] = []

    def append(self, record: bytes) -> int:
        """Returns the offset at which the record begins."""
        offset = self.size
        self.size += len(record)
        self._waiting.append(record)
        return offset

    def flush(self) -> None:
        """Writes what waits."""
        if self._waiting:
            block = memoryview(b"".join(self._waiting))
            self._waiting.clear()
            while block:
                block = block[self._file.write(block) :]

    def close(self) -> None:
        """Writes what waits; nothing can be added after this."""
        self.flush()
        self._file.close()

    def remove(self) -> None:
        """Closes the file and deletes it."""
        self._waiting.clear()
        self._file.close()
        self._path.unlink(missing_ok=True)
