"""Lock a folder for one process; the operating system releases the lock when it ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(Exception):
    """Report that another process holds the folder's lock."""


@contextlib.contextmanager
def folder_lock(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a folder's lock; raises LockedError when another process holds it for `wait_s`."""
    try:
        with FileLock(folder / "lock", timeout=wait_s):
            yield
    except Timeout:
        raise LockedError(f"{folder} is in use by another process") from None
