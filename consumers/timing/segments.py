"""The monoid of the fold: the summary of consecutive frames without a hole.

A `Segment` sums up consecutive chunks of a run. Two that touch join into one, and however the
frames were cut into chunks or in which order those came, the joined segment is the same: whether a
lap ends between two frames depends on these two frames only. A lap takes one `Piece`, so a day of
driving stays small.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.crossings import Cut, Edge, between
from consumers.timing.reports import (
    Car,
    LeftOuts,
    Reports,
    merge_left_out,
    merge_opened,
    merge_reports,
)
from schemas.sim import SessionOpened

MAX_CHANGES: Final = 32
MAX_REWINDS: Final = 1024

Change = tuple[int, float, float]
"""The start of a channel's value: ns of the driver's clock, s of the session, the value."""

Changes = tuple[Change, ...]


class Fuel(Struct, frozen=True, gc=False, array_like=True):
    """Hold the fuel over a stretch; `rise` is the most that it ever grew, 0 or less for never."""

    first: float
    last: float
    low: float
    high: float
    rise: float


class Piece(Struct, frozen=True, gc=False, array_like=True):
    """Sum up frames between two cuts; `cut` is how it began, None for a segment's first."""

    run: int
    number: int | None
    cut: Cut | None
    frames: int
    first_ns: int
    first_clock_s: float
    last_ns: int
    last_clock_s: float
    first_m: float
    last_m: float
    jumped: bool
    valid: Changes
    pit: Changes
    sector: Changes
    last_lap_time_s: Changes
    fuel: Fuel | None


class Segment(Struct, frozen=True, gc=False, array_like=True):
    """Sum up the chunks `first..last` of a run, all of them there.

    `newest` is the last piece, apart from those that ended because it alone grows. It is None, as
    are `head` and `tail`, the outer frames, when there are no frames. `rewinds` are pairs of ns of
    the driver's clock and the session time gone back to.
    """

    run: int
    first: int
    last: int
    ended: tuple[Piece, ...] = ()
    newest: Piece | None = None
    head: Edge | None = None
    tail: Edge | None = None
    opened: SessionOpened | None = None
    finished_ns: int | None = None
    rewinds: tuple[tuple[int, float], ...] = ()
    reports: dict[Car, Reports] = {}
    left_out: LeftOuts = {}

    @property
    def oldest(self) -> Piece | None:
        """Return the first piece."""
        return self.ended[0] if self.ended else self.newest

    @property
    def count(self) -> int:
        """Return the number of pieces."""
        return len(self.ended) + (self.newest is not None)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Return all pieces."""
        return self.ended if self.newest is None else (*self.ended, self.newest)


def join(left: Segment, right: Segment) -> Segment:
    """Join two segments of a run, `right` beginning with the chunk after the last of `left`."""
    ended, newest = _join_pieces(left, right)
    return Segment(
        run=left.run,
        first=left.first,
        last=right.last,
        ended=ended,
        newest=newest,
        head=left.head or right.head,
        tail=right.tail or left.tail,
        opened=merge_opened(left.opened, right.opened),
        finished_ns=left.finished_ns if right.finished_ns is None else right.finished_ns,
        rewinds=(left.rewinds + right.rewinds)[-MAX_REWINDS:] if right.rewinds else left.rewinds,
        reports=merge_reports(left.reports, right.reports),
        left_out=merge_left_out(left.left_out, right.left_out),
    )


def _join_pieces(left: Segment, right: Segment) -> tuple[tuple[Piece, ...], Piece | None]:
    before, after = left.newest, right.oldest
    if before is None or after is None or left.tail is None or right.head is None:
        filled = left if after is None else right
        return filled.ended, filled.newest
    cut, jumped = between(left.tail, right.head)
    ended = (*left.ended, before) if cut else left.ended
    joined = replace(after, cut=cut) if cut else merge_pieces(before, after, jumped)
    if right.ended:
        return (*ended, joined, *right.ended[1:]), right.newest
    return ended, joined


def merge_pieces(left: Piece, right: Piece, jumped: bool) -> Piece:
    """Merge two neighbours that no cut separates."""
    return Piece(
        run=left.run,
        number=left.number,
        cut=left.cut,
        frames=left.frames + right.frames,
        first_ns=left.first_ns,
        first_clock_s=left.first_clock_s,
        last_ns=right.last_ns,
        last_clock_s=right.last_clock_s,
        first_m=left.first_m,
        last_m=right.last_m,
        jumped=left.jumped or right.jumped or jumped,
        valid=chain(left.valid, right.valid),
        pit=chain(left.pit, right.pit),
        sector=chain(left.sector, right.sector),
        last_lap_time_s=chain(left.last_lap_time_s, right.last_lap_time_s),
        fuel=burn(left.fuel, right.fuel),
    )


def chain(left: Changes, right: Changes) -> Changes:
    """Append changes to changes, bounded; returns `left` itself when nothing changed."""
    if not left or not right:
        return left or right
    if left[-1][2] == right[0][2]:
        right = right[1:]
    return (left + right)[:MAX_CHANGES] if right else left


def burn(left: Fuel | None, right: Fuel | None) -> Fuel | None:
    """Join the fuel of two stretches."""
    if left is None or right is None:
        return left or right
    return Fuel(
        left.first,
        right.last,
        min(left.low, right.low),
        max(left.high, right.high),
        max(left.rise, right.rise, right.high - left.low),
    )
