"""A small volume of its own, which a test may fill."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOUNT_S: Final = 20
FILLER: Final = "filler"


@contextlib.contextmanager
def small_volume(folder: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a volume in memory at a folder during the block.

    Raises RuntimeError where this process may not mount: the test cannot run, and must not pass.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size_bytes},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_S, check=False)
    if done.returncode:
        raise RuntimeError(
            f"a full disk needs a small volume, and mounting one at {folder} is not permitted: run "
            f"this test as root ({done.stderr.strip()})"
        )
    try:
        yield folder
    finally:
        # Lazily: a process of the test may still have files open.
        subprocess.run(["umount", "--lazy", str(folder)], timeout=MOUNT_S, check=True)


@contextlib.contextmanager
def filled(volume: Path, *, free_bytes: int = 0) -> Iterator[None]:
    """Leave so many free bytes on a volume during the block."""
    filler = volume / FILLER
    with filler.open("wb", buffering=0) as file:
        for block in (bytes(65536), bytes(4096), bytes(1)):
            with contextlib.suppress(_FullError):
                while True:
                    _write(file.fileno(), block)
        file.truncate(file.tell() - free_bytes)
    try:
        yield
    finally:
        filler.unlink()


class _FullError(Exception):
    """Report that a volume has no room for a block."""


def _write(descriptor: int, block: bytes) -> None:
    try:
        if os.write(descriptor, block) < len(block):
            raise _FullError
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _FullError from None
