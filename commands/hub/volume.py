"""The volume that a server stores on: its room, and whether it takes a write."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from msgspec import Struct

GB: Final = 1e9
LOW_BYTES: Final = 5_000_000_000
LOW_SHARE: Final = 0.2
TRIAL_BYTES: Final = 1_000_000
SPARE: Final = 8
"""The trial needs so many times its own size, so that it can never fill a volume."""


class Volume(Struct, frozen=True):
    """Hold the size and the free room of a volume."""

    total_bytes: int
    free_bytes: int

    @property
    def is_low(self) -> bool:
        """Return whether less than 5 GB are free, on a small volume less than a fifth."""
        return self.free_bytes < min(LOW_BYTES, LOW_SHARE * self.total_bytes)


def volume(folder: Path) -> Volume:
    """Return the volume of a folder, or of its nearest parent that exists."""
    existing = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    usage = shutil.disk_usage(existing)
    return Volume(usage.total, usage.free)


def taken_bytes(folder: Path) -> int:
    """Return the sizes of all files below a folder, 0 while it is absent."""
    found = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            found += file.stat().st_size if file.is_file() else 0
    return found


def takes_writes(folder: Path, trial_bytes: int = TRIAL_BYTES) -> bool:
    """Return whether a file can be written in a folder: free room alone does not show a quota."""
    try:
        if volume(folder).free_bytes < SPARE * trial_bytes:
            return False
        with tempfile.TemporaryFile(dir=folder if folder.is_dir() else folder.parent) as trial:
            trial.write(bytes(trial_bytes))
            trial.flush()
            os.fsync(trial.fileno())
    except OSError:
        return False
    return True
