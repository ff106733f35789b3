"""Derive laps from the timeline and from the sim's reports."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from consumers.timing.crossings import Cut, lasted_s
from consumers.timing.passages import Passage
from consumers.timing.segments import Change, Changes, Fuel, burn
from consumers.timing.spans import Void, is_void
from consumers.timing.steps import SKEW_NS, SKEW_S
from consumers.timing.verdicts import Verdict
from schemas.timing import Lap

MAX_FRAMES: Final = 2**31 - 1
"""The largest number of frames that is stored."""

REFUELLED: Final = 0.5
"""More than sloshing: litres or kg."""

BEGIN_AGREES_S: Final = 0.1
"""How far the sim's time and the time since the first frame lie apart for a lap seen whole."""


class Owner(Struct, frozen=True):
    """Identify the car of some laps, as the producer of a driver observed it."""

    session: str
    driver: str
    car: str
    finished_ns: int | None = None


class Basis(Struct, frozen=True):
    """Hold the input of a driven lap; `last` marks the lap being driven.

    `voids` are those that reach into the lap.
    """

    passage: Passage
    verdict: Verdict | None
    voids: tuple[Void, ...]
    owner: Owner
    last: bool


def reported_lap(label: int, verdict: Verdict, owner: Owner, *, own: bool) -> Lap:
    """Return a lap that was only reported."""
    return Lap(
        session=owner.session,
        driver=owner.driver,
        at_ns=verdict.at_ns,
        car=owner.car,
        own=own,
        lap_number=label,
        revision=0,
        lap_time_s=verdict.time_s or None,
        timed_by="sim" if verdict.time_s else "none",
        sectors_s=verdict.sectors_s,
        valid=verdict.valid is not False,
        complete=False,
    )


def driven_lap(basis: Basis) -> Lap:
    """Return a lap of which the driver's frames were received."""
    passage, verdict, voids, owner = basis.passage, basis.verdict, basis.voids, basis.owner
    driven = basis.last and passage.end is None and verdict is None and not _over(passage, owner)
    ended_ns = _ended_ns(passage, verdict)
    begun = _is_seen(passage.start) or passage.grid or _begins_with_it(passage, verdict)
    ended = _is_seen(passage.end) if passage.end else ended_ns is not None
    unseen = verdict is not None and passage.is_approach
    moved = passage.jumped and not unseen
    complete = begun and passage.whole and (driven or ended) and not moved
    rewound = any(a < passage.pieces[-1].last_ns and b > passage.begins_ns for a, b in voids)
    pit = UNKNOWN if unseen else _pit(passage)
    lap_time_s, timed_by = _time(passage, verdict)
    judged = verdict.valid if verdict else None
    fair = not (rewound or moved or pit.entered or pit.left)
    timed = driven or lap_time_s is not None
    counts = judged if judged is not None else complete and timed and _held_valid(passage)
    return Lap(
        session=owner.session,
        driver=owner.driver,
        at_ns=passage.begins_ns if ended_ns is None else ended_ns,
        car=owner.car,
        own=True,
        lap_number=passage.label or 0,
        revision=0,
        lap_time_s=lap_time_s,
        timed_by=timed_by,
        sectors_s=_sectors(passage, verdict, lap_time_s, voids),
        valid=fair and counts,
        in_lap=pit.entered,
        out_lap=pit.left,
        pit=pit.seen,
        complete=complete,
        frames=min(sum(piece.frames for piece in passage.pieces), MAX_FRAMES),
        run=passage.pieces[0].run,
        started_ns=passage.begins_ns,
        ended_ns=ended_ns,
        fuel_used=_fuel_used(passage) if begun and ended_ns is not None and not moved else None,
    )


def _over(passage: Passage, owner: Owner) -> bool:
    return owner.finished_ns is not None and owner.finished_ns >= passage.begins_ns


def _is_seen(cut: Cut | None) -> bool:
    return cut is not None and cut.slack_s < math.inf


def _begins_with_it(passage: Passage, verdict: Verdict | None) -> bool:
    """Return whether the first frame is the lap's first: its duration is the sim's time."""
    if verdict is None or passage.end is None:
        return False
    first, end = passage.pieces[0], passage.end
    seen_s = lasted_s((first.first_ns, first.first_clock_s), (end.at_ns, end.clock_s))
    return abs(seen_s - verdict.time_s) < BEGIN_AGREES_S


def _ended_ns(passage: Passage, verdict: Verdict | None) -> int | None:
    if passage.end is not None:
        return passage.end.at_ns
    if verdict is None:
        return None
    begins_ns, last_ns = passage.begins_ns, passage.pieces[-1].last_ns
    return verdict.at_ns if begins_ns < verdict.at_ns <= last_ns + SKEW_NS else None


def _time(
    passage: Passage, verdict: Verdict | None
) -> tuple[float | None, Literal["sim", "crossing", "none"]]:
    if verdict is not None and verdict.time_s:
        return verdict.time_s, "sim"
    crossing_s = passage.crossing_s()
    return (None, "none") if crossing_s is None else (round(crossing_s, 3), "crossing")


def _held_valid(passage: Passage) -> bool:
    """Return whether the sim held the lap valid; its first seconds still describe the last lap."""
    start, first = passage.start, passage.pieces[0]
    begun = (start.at_ns, start.clock_s) if start else (first.first_ns, first.first_clock_s)
    held = [(lasted_s(begun, (at_ns, at_s)), on) for at_ns, at_s, on in passage.changes("valid")]
    early = [on for since_s, on in held if since_s <= SKEW_S]
    return all(early[-1:] + [on for since_s, on in held if since_s > SKEW_S])


class Pit(Struct, frozen=True):
    """Hold whether the pit lane was seen on a lap, entered and left."""

    seen: bool
    entered: bool
    left: bool


UNKNOWN: Final = Pit(seen=False, entered=False, left=False)


def _pit(passage: Passage) -> Pit:
    states = [value > 0 for _, _, value in passage.changes("pit")]
    turns = list(pairwise(states))
    return Pit(
        seen=any(states),
        entered=(False, True) in turns,
        left=bool(states and states[0]) or (True, False) in turns,
    )


def _fuel_used(passage: Passage) -> float | None:
    fuel: Fuel | None = None
    for piece in passage.pieces:
        fuel = burn(fuel, piece.fuel)
    if fuel is None or fuel.rise > REFUELLED or fuel.last > fuel.first:
        return None
    return round(fuel.first - fuel.last, 4)


def _sectors(
    passage: Passage, verdict: Verdict | None, lap_time_s: float | None, voids: tuple[Void, ...]
) -> tuple[float, ...]:
    if verdict is not None and verdict.sectors_s:
        return verdict.sectors_s
    start = passage.start
    if start is None or not _is_seen(start) or not passage.whole or passage.jumped:
        return ()
    passed = _sector_marks(passage.changes("sector"), start, voids)
    marks = [(start.at_ns, start.clock_s), *passed]
    sectors_s = [lasted_s(a, b) for a, b in pairwise(marks)]
    if sectors_s and lap_time_s is not None and passage.end is not None:
        sectors_s.append(lap_time_s - sum(sectors_s))
    return tuple(round(sector_s, 3) for sector_s in sectors_s if sector_s > 0)


def _sector_marks(
    changes: Changes, start: Cut, voids: tuple[Void, ...]
) -> Iterator[tuple[int, float]]:
    """Yield when the car passed from each sector into the next, as long as none is missing."""
    sector = 0.0
    known: list[Change] = [change for change in changes if not is_void(voids, change[0])]
    for at_ns, clock_s, value in known:
        if value == sector + 1:
            sector = value
            yield at_ns, clock_s
        elif value != sector and at_ns > start.at_ns + SKEW_NS:
            return
