"""The number of chunks that each run has made, in a small file per run beside the spool.

When the spool's file is damaged at its end, only these numbers show how many chunks are gone. They
are written after the commit, so they never exceed what was made.
"""

import contextlib
import zlib
from io import FileIO
from pathlib import Path
from typing import Final

from msgspec import ValidationError, convert

from producers.spool.ledger import RunKey

FOLDER: Final = "made"


class Counts:
    """Read and write the numbers.

    An error of the disk is ignored here: the same disk refuses the chunk itself, which is reported.
    """

    def __init__(self, folder: Path) -> None:
        """Prepare to use files in a subfolder of the spool's folder."""
        self._folder = folder / FOLDER
        self._open: tuple[RunKey, FileIO] | None = None

    def read(self) -> dict[RunKey, int]:
        """Return the numbers of all runs, without files that are damaged."""
        found: dict[RunKey, int] = {}
        with contextlib.suppress(OSError):
            for file in sorted(self._folder.iterdir()):
                with contextlib.suppress(OSError, ValueError, ValidationError):
                    run, session, driver = file.name.split(".")
                    named = {"session": session, "driver": driver, "run": int(run)}
                    key = convert(named, RunKey)
                    found[key] = _decoded(file.read_bytes(), key)
        return found

    def write(self, key: RunKey, made: int) -> None:
        """Store the number of a run."""
        with contextlib.suppress(OSError):
            if self._open is None or self._open[0] != key:
                self.close()
                self._folder.mkdir(mode=0o700, exist_ok=True)
                file = self._file(key)
                file.touch(mode=0o600)
                self._open = key, FileIO(file, "r+")
            self._open[1].seek(0)
            self._open[1].write(_encoded(made, key))

    def forget(self, key: RunKey) -> None:
        """Delete the number of a run."""
        if self._open is not None and self._open[0] == key:
            self.close()
        with contextlib.suppress(OSError):
            self._file(key).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file that is open."""
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._open[1].close()
            self._open = None

    def _file(self, key: RunKey) -> Path:
        return self._folder / f"{key.run}.{key.session}.{key.driver}"


def _encoded(made: int, key: RunKey) -> bytes:
    named = f"{made} {key.run} {key.session} {key.driver}"
    return b"%010d %08x\n" % (made, zlib.crc32(named.encode()))


def _decoded(content: bytes, key: RunKey) -> int:
    """Return the number in a file; raises ValueError for a damaged one."""
    made = int(content[:10])
    if content != _encoded(made, key):
        raise ValueError("damaged")
    return made
