"""A text file that names every chunk twice: when it was made, and when it is on the disk.

`made session driver run chunk crc first_frame frames` is written before the chunk leaves this
process in any way, `kept session driver run chunk` after the spool's commit. A kill at any instant
thus leaves no chunk in the spool or on the network that the file does not name.
"""

from collections.abc import Iterable, Sequence
from typing import TextIO

from schemas.telemetry import Chunk


class Record:
    """Write such a file; without a file, write nothing."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file

    def made(self, chunks: Sequence[Chunk]) -> None:
        """Note chunks that are about to be kept and sent."""
        self._write(f"made {_name(c)} {c.crc} {c.first_frame} {c.frames}\n" for c in chunks)

    def kept(self, chunks: Sequence[Chunk]) -> None:
        """Note chunks that the spool has committed."""
        self._write(f"kept {_name(c)}\n" for c in chunks)

    def _write(self, lines: Iterable[str]) -> None:
        if self._file is not None:
            self._file.writelines(lines)
            self._file.flush()


def _name(chunk: Chunk) -> str:
    return f"{chunk.session} {chunk.driver} {chunk.run} {chunk.chunk}"
