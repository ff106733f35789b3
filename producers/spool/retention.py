"""Choose the chunks that a spool deletes first. Pure."""

from collections.abc import Container, Iterable
from typing import Final

from msgspec import Struct

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from producers.spool.ledger import Ledger, RunKey
from schemas.telemetry import Range

SLICE: Final = 64
"""Chunks deleted at once; more would delay the commit of the next new chunk."""


class KeptRun(Struct):
    """Hold a run of the spool; `have` is what Postgres had by the last receipt stored."""

    id: int
    key: RunKey
    made: int = 0
    have: Ranges = NONE
    dropped: Ranges = NONE

    @property
    def kept(self) -> Ranges:
        """Return the chunks that are in the file."""
        return ranges.minus(((0, self.made - 1),), self.dropped) if self.made else NONE


def ledger_of(run: KeptRun, send: int) -> Ledger:
    """Return the account of a run of an earlier start; send numbers begin above `send`."""
    return Ledger(
        run.key, send=send, made=run.made, have=run.have, dropped=run.dropped, closed=True
    )


class Dropped(Struct, frozen=True):
    """Name chunks that were deleted; `receipted` is whether Postgres had them, or wants none."""

    key: RunKey
    chunks: Range
    receipted: bool


def oldest(runs: Iterable[KeptRun], *, receipted: bool) -> Dropped | None:
    """Return the oldest slice of the chunks that Postgres has, or of those that it lacks."""
    for run in runs:
        lacking = ranges.minus(run.kept, run.have)
        which = ranges.minus(run.kept, lacking) if receipted else lacking
        if which:
            return _slice(run.key, which, receipted=receipted)
    return None


def unwanted(runs: Iterable[KeptRun], deleted: Container[RunKey]) -> Dropped | None:
    """Return the first slice of the runs that were deleted at the hub."""
    for run in runs:
        if run.key in deleted and run.kept:
            return _slice(run.key, run.kept, receipted=True)
    return None


def _slice(key: RunKey, chunks: Ranges, *, receipted: bool) -> Dropped:
    first, last = chunks[0]
    return Dropped(key, (first, min(last, first + SLICE - 1)), receipted)
