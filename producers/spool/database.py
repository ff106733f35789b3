"""An SQLite file of this process alone, and the meaning of SQLite's errors."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from producers.source import SourceError

DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
PRIMARY: Final = 0xFF
"""The bits of an extended error code that hold the primary one."""

Value = int | str | bytes


class SpoolError(SourceError):
    """Report a spool that cannot be used, in one sentence."""


class DiskError(Exception):
    """Report that the disk cannot be read or written."""


class DiskFullError(DiskError):
    """Report that the disk has no room; what it holds can be read."""


class DamagedError(DiskError):
    """Report a file whose content is not what was written."""


class Database:
    """Execute statements; every method raises DiskError, or one of its kinds."""

    def __init__(self, file: Path) -> None:
        """Open or create a file.

        Exclusively: then SQLite needs no index file beside it, for which a full disk has no room
        and a network drive no lock.
        """
        self._file = file
        self._syncs: bool | None = None
        with guarded():
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.text_factory = _text
        try:
            for pragma in ("locking_mode = exclusive", "journal_mode = wal"):
                self.execute(f"pragma {pragma}")
            self.sync_commits(wanted=True)
            self._identity = _identity(file)
        except DiskError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def check(self) -> None:
        """Raise DiskError when the file is not there any more.

        A system that lets open files be deleted takes writes into one, and loses them.
        """
        if _identity(self._file) != self._identity:
            raise DiskError(f"{self._file} was replaced")

    def sync_commits(self, *, wanted: bool) -> None:
        """Have commits from now on return when they, and all before, are safe from a power cut.

        Others are safe from the end of this process.
        """
        if wanted != self._syncs:
            self.execute(f"pragma synchronous = {'full' if wanted else 'normal'}")
            self._syncs = wanted

    def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Execute a statement; return the key of the row that it inserted."""
        with guarded():
            return self._connection.execute(statement, values).lastrowid or 0

    def insert(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Execute a statement for each row."""
        with guarded():
            self._connection.executemany(statement, rows)

    def rows(self, query: str, values: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""
        with guarded():
            yield from self._connection.execute(query, values)

    def value(self, query: str, values: Sequence[Value] = ()) -> int:
        """Return the one number that a query gives."""
        with guarded():
            return int(self._connection.execute(query, values).fetchone()[0])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Execute all statements of the block, or none."""
        self.execute("begin immediate")
        try:
            yield
            self.execute("commit")
        except BaseException:
            with contextlib.suppress(DiskError):
                self.execute("rollback")
            raise


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Raise errors of SQLite and of the system as DiskError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY
        if code in DAMAGED:
            raise DamagedError(str(error)) from None
        kind = DiskFullError if code == sqlite3.SQLITE_FULL else DiskError
        raise kind(str(error)) from None
    except OSError as error:
        raise DiskError(f"{error.filename}: {error.strerror}") from None


def _text(content: bytes) -> str:
    """Return a text, also a damaged one, for which sqlite3 alone raises no error of SQLite."""
    return content.decode(errors="replace")


def _identity(file: Path) -> tuple[int, int]:
    with guarded():
        status = file.stat()
    return status.st_dev, status.st_ino
