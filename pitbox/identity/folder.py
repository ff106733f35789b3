"""A folder of secrets that only its owner may read; a loose one is refused, not mended."""

import os
import stat
from pathlib import Path
from typing import Final

from pitbox.identity.nkeys import KeyFormatError, KeyPair, Kind

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeysError(Exception):
    """Name the file that is missing, wrong or open to others, and say what to do."""


class KeyFolder:
    """Keep seeds, each in a file of its own."""

    def __init__(self, path: Path) -> None:
        """Open the folder, making it; raises KeysError when others may read it."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        refuse_loose(path)

    def pair(self, name: str, kind: Kind) -> KeyPair:
        """Return the key pair of a name, made at the first time; raises KeysError."""
        file = self._file(name)
        if not file.exists():
            write_private(file, KeyPair.new(kind).seed + "\n")
        try:
            found = KeyPair.of_seed(read_private(file).strip())
        except KeyFormatError as error:
            raise KeysError(f"{file}: {error}") from None
        if found.kind is not kind:
            raise KeysError(f"{file}: this is the seed of another kind than {kind.name.lower()}")
        return found

    def has(self, name: str) -> bool:
        """Tell whether the seed is here; that of the operator is best kept elsewhere."""
        return self._file(name).exists()

    def forget(self, name: str) -> None:
        """Remove a seed, so that the next start makes another."""
        self._file(name).unlink(missing_ok=True)

    def rename(self, name: str, other: str) -> None:
        """Keep a seed under another name."""
        self._file(name).replace(self._file(other))

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.seed"


def read_private(path: Path) -> str:
    """Return what is in a file that only its owner may read; raises KeysError."""
    try:
        refuse_loose(path)
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise KeysError(f"cannot read {path}: {reason}") from None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, at once as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=FILE_MODE, exist_ok=False)  # else it may be somebody else's, put there by now
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def refuse_loose(path: Path) -> None:
    """Raise KeysError when others than the owner may use a path; Windows keeps rights elsewhere."""
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        right = "700" if path.is_dir() else "600"
        raise KeysError(f"{path} is open to others: chmod {right} {path}")
