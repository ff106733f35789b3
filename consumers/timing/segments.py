"""The monoid of the fold: what is kept of a stretch of frames without a hole.

A `Segment` sums up consecutive chunks of a run. Two that touch join into one, and however the
frames were cut into chunks or in which order those came, the joined segment is the same: whether a
lap ends between two frames depends on these two frames only. A lap takes one `Piece`, so a day of
driving stays small.
"""

import math
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.sim import LapReported, SessionOpened

CLOCK_BACK_S: Final = 0.5
TELEPORT_M: Final = 50.0
LINE_REACH_M: Final = 30.0
FASTEST_MPS: Final = 150.0
MAX_CHANGES: Final = 32
MAX_PIECES: Final = 20_000
MAX_VERSIONS: Final = 4
MAX_CARS: Final = 256

Change = tuple[int, float, float]
"""Since when a channel has a value: ns of the driver's clock, s of the session, the value."""

Changes = tuple[Change, ...]
Reports = dict[int, tuple[LapReported, ...]]
"""What the sim said of the laps of one car, by lap number, oldest first."""

OWN: Final = (True, "")
"""The key of the driver's own car among the reports; others are `(False, car)`."""


class Edge(Struct, frozen=True, gc=False):
    """Hold what one frame tells about the place of the car; NaN or None where it does not."""

    at_ns: int
    clock_s: float
    number: int | None
    distance_m: float
    fraction: float
    speed_mps: float


class Cut(Struct, frozen=True, gc=False):
    """Say that a piece ends between two frames, when, and why.

    `line`: the car crossed the line; `step`: the sim's lap number changed; `back`: the session's
    clock went back. `slack_s` is how far off the instant may be.
    """

    at_ns: int
    clock_s: float
    slack_s: float
    line: bool
    step: bool
    back: bool


class Fuel(Struct, frozen=True, gc=False):
    """Hold the fuel over a stretch; `rise` is the most that it ever grew, 0 or less for never."""

    first: float
    last: float
    low: float
    high: float
    rise: float


class Piece(Struct, frozen=True):
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
    told: Changes
    fuel: Fuel | None


class Segment(Struct, frozen=True):
    """Sum up the chunks `first..last` of a run, all of them there.

    `head` and `tail` are the outer frames, None when there are no frames. `rewinds` are pairs of
    ns of the driver's clock and the session time gone back to.
    """

    run: int
    first: int
    last: int
    pieces: tuple[Piece, ...] = ()
    head: Edge | None = None
    tail: Edge | None = None
    opened: SessionOpened | None = None
    finished_ns: int | None = None
    rewinds: tuple[tuple[int, float], ...] = ()
    reports: dict[tuple[bool, str], Reports] = {}


def join(left: Segment, right: Segment) -> Segment:
    """Join two segments of a run, `right` beginning with the chunk after the last of `left`."""
    return Segment(
        run=left.run,
        first=left.first,
        last=right.last,
        pieces=_join_pieces(left, right),
        head=left.head or right.head,
        tail=right.tail or left.tail,
        opened=merge_opened(left.opened, right.opened),
        finished_ns=left.finished_ns if right.finished_ns is None else right.finished_ns,
        rewinds=left.rewinds + right.rewinds,
        reports=merge_reports(left.reports, right.reports),
    )


def _join_pieces(left: Segment, right: Segment) -> tuple[Piece, ...]:
    if left.tail is None or right.head is None:
        return left.pieces or right.pieces
    cut, jumped = between(left.tail, right.head)
    before, after = left.pieces[-1], right.pieces[0]
    if cut:
        pieces = (*left.pieces, replace(after, cut=cut), *right.pieces[1:])
    else:
        pieces = (*left.pieces[:-1], merge_pieces(before, after, jumped), *right.pieces[1:])
    return pieces[-MAX_PIECES:]


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
        told=chain(left.told, right.told),
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


def between(left: Edge, right: Edge) -> tuple[Cut | None, bool]:
    """Tell whether a piece ends between two neighbouring frames, and whether the car was moved."""
    step = left.number != right.number
    back = right.clock_s < left.clock_s - CLOCK_BACK_S
    line = not back and _crosses(left, right)
    jumped = not (line or back) and _teleported(left, right)
    if not (step or back or line):
        return None, jumped
    weight, slack_s = _crossing(left, right)
    at_ns = left.at_ns + round(weight * (right.at_ns - left.at_ns))
    clock_s = left.clock_s + weight * (right.clock_s - left.clock_s)
    return Cut(at_ns, clock_s, math.inf if jumped else slack_s, line, step, back), False


def _reach_m(left: Edge, right: Edge) -> float:
    speeds = [speed for speed in (left.speed_mps, right.speed_mps) if not math.isnan(speed)]
    fastest_mps = max(speeds, default=FASTEST_MPS)
    return 1.5 * fastest_mps * max(right.at_ns - left.at_ns, 0) / 1e9


def _crosses(left: Edge, right: Edge) -> bool:
    if left.distance_m < 0 <= right.distance_m:
        moves = not max(left.speed_mps, right.speed_mps) <= 1
        return moves and right.distance_m <= _reach_m(left, right) + LINE_REACH_M
    if right.distance_m < left.distance_m / 2 and left.distance_m > 0:
        return right.distance_m <= _reach_m(left, right) + LINE_REACH_M
    if math.isnan(left.distance_m) or math.isnan(right.distance_m):
        return left.fraction > 0.75 and right.fraction < 0.25
    return False


def _teleported(left: Edge, right: Edge) -> bool:
    moved_m = right.distance_m - left.distance_m
    return moved_m < -TELEPORT_M or moved_m > _reach_m(left, right) + TELEPORT_M


def _crossing(left: Edge, right: Edge) -> tuple[float, float]:
    """Return where between two frames the line was (0..1), and how many s that may be off."""
    weight = _line_weight(left, right)
    if 0 <= weight <= 1:
        return weight, 0.0
    return 0.5, abs(right.at_ns - left.at_ns) / 2e9


def _line_weight(left: Edge, right: Edge) -> float:
    if left.distance_m < 0 <= right.distance_m:
        return left.distance_m / (left.distance_m - right.distance_m)
    if left.fraction > 0.5 > right.fraction >= 0:
        to_go = max(1 - left.fraction, 0.0)
        return to_go / (to_go + right.fraction) if to_go + right.fraction > 0 else 0.5
    near = 0 <= right.distance_m <= _reach_m(left, right)
    if near and right.speed_mps > 1 and right.at_ns > left.at_ns:
        since_s = right.distance_m / right.speed_mps
        return max(1 - since_s * 1e9 / (right.at_ns - left.at_ns), 0.0)
    return math.nan


def merge_opened(left: SessionOpened | None, right: SessionOpened | None) -> SessionOpened | None:
    """Merge what is known of the session; what the later one knows wins."""
    if left is None or right is None:
        return left or right
    known = {
        name: value
        for name in SessionOpened.__struct_fields__
        if (value := getattr(right, name)) not in ("", 0, None, "unknown")
    }
    return replace(left, **known)


def merge_reports(
    left: dict[tuple[bool, str], Reports], right: dict[tuple[bool, str], Reports]
) -> dict[tuple[bool, str], Reports]:
    """Merge what the sim said; of each lap the last few versions are kept."""
    if not left or not right:
        return left or right
    merged = dict(left)
    for car, laps in right.items():
        if car not in merged and len(merged) >= MAX_CARS:
            continue
        known = dict(merged.get(car, {}))
        for number, versions in laps.items():
            known[number] = append_versions(known.get(number, ()), versions)
        merged[car] = known
    return merged


def append_versions(
    older: tuple[LapReported, ...], newer: tuple[LapReported, ...]
) -> tuple[LapReported, ...]:
    """Append reports of a lap to earlier ones; a repetition adds nothing."""
    if older and newer and _says(older[-1]) == _says(newer[0]):
        newer = newer[1:]
    return (older + newer)[-MAX_VERSIONS:]


def _says(report: LapReported) -> tuple[float, tuple[float, ...], bool | None]:
    return report.lap_time_s, report.sectors_s, report.valid
