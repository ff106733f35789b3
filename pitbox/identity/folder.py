"""Read and write secret files; refuse a file or folder that other users may read."""

import os
import stat
from pathlib import Path
from typing import Final

from pitbox.identity.nkeys import KeyFormatError, KeyPair, Kind

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeysError(Exception):
    """Report a file that is missing, wrong or readable by others; the message says what to do."""


class KeyFolder:
    """Hold a folder of seeds, one file per name."""

    def __init__(self, path: Path) -> None:
        """Open the folder, made if absent; raises KeysError when other users may read it."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        refuse_loose(path)

    def pair(self, name: str, kind: Kind) -> KeyPair:
        """Return the key pair of a name, made if absent; raises KeysError."""
        file = self._file(name)
        if not file.exists():
            write_private(file, KeyPair.new(kind).seed + "\n")
        try:
            found = KeyPair.of_seed(read_private(file).strip())
        except KeyFormatError as error:
            raise KeysError(f"{file}: {error}") from None
        if found.kind is not kind:
            raise KeysError(
                f"{file}: this is a seed of kind {found.kind.name.lower()}, not of "
                f"{kind.name.lower()}"
            )
        return found

    def has(self, name: str) -> bool:
        """Return whether the seed of a name is in the folder."""
        return self._file(name).exists()

    def forget(self, name: str) -> None:
        """Delete a seed, so that the next start makes a new one."""
        self._file(name).unlink(missing_ok=True)

    def rename(self, name: str, other: str) -> None:
        """Rename a seed, replacing one that has the new name."""
        self._file(name).replace(self._file(other))

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.seed"


def read_private(path: Path) -> str:
    """Return the text of a file; raises KeysError when other users may read it."""
    try:
        refuse_loose(path)
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
        raise KeysError(f"cannot read {path}: {reason}") from None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=FILE_MODE, exist_ok=False)  # fails if another user has just made it
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def refuse_loose(path: Path) -> None:
    """Raise KeysError when other users may read or write a path.

    Not checked on Windows, where rights are not mode bits.
    """
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        right = "700" if path.is_dir() else "600"
        raise KeysError(f"other users may read {path}: run chmod {right} {path}")
