"""Sort records in bounded memory: runs of sorted records in a temporary file, merged."""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final

from producers.source import SourceError

RUN_RECORDS: Final = 50_000
READ_RECORDS: Final = 500


class Sorted:
    """Collect records of one length; iterating yields them in the order of their bytes."""

    def __init__(self, length: int, run_records: int = RUN_RECORDS) -> None:
        """Set the length of all records, and how many of them are sorted in memory."""
        self.count = 0
        self._length = length
        self._run_records = run_records
        self._run: list[bytes] = []
        self._runs: list[int] = []
        self._file: IO[bytes] | None = None
        self._open = ExitStack()

    def __enter__(self) -> "Sorted":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, record: bytes) -> None:
        """Add a record; raises SourceError when the temporary file has no room."""
        self._run.append(record)
        self.count += 1
        if len(self._run) >= self._run_records:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        self._run.sort()
        start, runs = 0, []
        for records in self._runs:
            runs.append(self._read(start, records))
            start += records
        return heapq.merge(*runs, self._run)

    def _spill(self) -> None:
        self._run.sort()
        try:
            if self._file is None:
                spilled = tempfile.TemporaryFile(prefix="pitbox-import-")  # noqa: SIM115
                self._file = self._open.enter_context(spilled)
            self._file.write(b"".join(self._run))
        except OSError as error:
            raise SourceError(
                f"no room in {tempfile.gettempdir()}, set TMPDIR elsewhere: {error}"
            ) from None
        self._runs.append(len(self._run))
        self._run = []

    def _read(self, start: int, records: int) -> Iterator[bytes]:
        """Yield the records of a run, some at a time."""
        length, file = self._length, self._file
        for at in range(start, start + records, READ_RECORDS):
            if file is None:
                return
            file.seek(at * length)
            block = file.read(min(READ_RECORDS, start + records - at) * length)
            for place in range(0, len(block), length):
                yield block[place : place + length]
