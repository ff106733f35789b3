"""The producer's ledger: a line of text for each chunk that it committed to its spool."""

from pathlib import Path

from msgspec import Struct


class Entry(Struct, frozen=True):
    """One committed chunk, as the producer saw it."""

    session: str
    driver: str
    run: int
    chunk: int
    crc: int
    first_frame: int
    frames: int

    @property
    def run_id(self) -> tuple[str, str, int]:
        """Return what names its run everywhere."""
        return self.session, self.driver, self.run

    @property
    def identity(self) -> tuple[str, str, int, int]:
        """Return what names the chunk everywhere."""
        return self.session, self.driver, self.run, self.chunk


def read_ledger(path: Path) -> list[Entry]:
    """Return the entries of a ledger; a last line that a kill tore is left out."""
    lines = path.read_text().splitlines(keepends=True)
    return [_entry(line) for line in lines if line.endswith("\n")]


def _entry(line: str) -> Entry:
    session, driver, *numbers = line.split()
    run, chunk, crc, first_frame, frames = map(int, numbers)
    return Entry(session, driver, run, chunk, crc, first_frame, frames)
