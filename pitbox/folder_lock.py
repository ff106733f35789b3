"""Own a folder as one process; the system lets go when that ends, however it ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(Exception):
    """Say that another process owns the folder."""


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Own a folder meanwhile; raises LockedError when another process does."""
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise LockedError(f"{folder} is in use by another process") from None
