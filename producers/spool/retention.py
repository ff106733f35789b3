"""What a spool forgets first. Pure."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from producers.spool.ledger import RunKey
from schemas.telemetry import Range

SLICE: Final = 64
"""Chunks that are deleted at once; more would hold up the commit of the next one."""


class KeptRun(Struct):
    """Hold what the spool knows of a run; `have` is what Postgres had when last heard."""

    id: int
    key: RunKey
    made: int = 0
    have: Ranges = NONE
    dropped: Ranges = NONE

    @property
    def kept(self) -> Ranges:
        """Return the chunks that are in the file."""
        return ranges.minus(((0, self.made - 1),), self.dropped) if self.made else NONE


class Dropped(Struct, frozen=True):
    """Name chunks that were deleted, and whether Postgres had them when last heard."""

    key: RunKey
    chunks: Range
    receipted: bool


def oldest(runs: Iterable[KeptRun], *, receipted: bool) -> Dropped | None:
    """Return the oldest slice of what Postgres had when last heard, or of what it had not."""
    for run in runs:
        lacking = ranges.minus(run.kept, run.have)
        which = ranges.minus(run.kept, lacking) if receipted else lacking
        if which:
            first, last = which[0]
            return Dropped(run.key, (first, min(last, first + SLICE - 1)), receipted)
    return None
