"""Laps as they follow from what was driven and from what the sim says of them."""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from consumers.timing.segments import (
    Change,
    Changes,
    Cut,
    Fuel,
    Reports,
    Segment,
    append_versions,
    burn,
    chain,
    merge_opened,
)
from consumers.timing.timeline import SKEW_NS, Passage, Timeline, ordered
from schemas.sim import LapReported, SessionOpened
from schemas.timing import Lap, Session

PRECISE_S: Final = 0.25
AGREES_S: Final = 0.5
FLAG_AGREES_S: Final = 1.0
REFUELLED: Final = 0.5
"""More than sloshing: litres or kg."""


class Whose(Struct, frozen=True):
    """Name the session, the driver whose producer saw it, and the driver's own car."""

    session: str
    driver: str
    car: str
    finished_ns: int | None


class Verdict(Struct, frozen=True):
    """Hold what the sim says of a lap, by a report or by its last-lap-time channel."""

    at_ns: int
    time_s: float
    sectors_s: tuple[float, ...] = ()
    valid: bool | None = None


def session_of(session: str, driver: str, segments: Iterable[Segment]) -> Session | None:
    """Return what is known of the session; None while nothing is."""
    known = list(segments)
    driven = ordered(known)
    opened = opened_of(known)
    starts = [segment.pieces[0].first_ns for segment in driven]
    if not starts and opened is None:
        return None
    opened = opened or SessionOpened(at_ns=starts[0], source="")
    finished = [s.finished_ns for s in known if s.finished_ns is not None]
    return Session(
        session=session,
        driver=driver,
        at_ns=opened.at_ns,
        source=opened.source,
        source_version=opened.source_version,
        kind=opened.kind,
        track=opened.track,
        track_length_m=opened.track_length_m,
        car=opened.car,
        car_model=opened.car_model,
        sectors=opened.sectors,
        started_ns=min(starts, default=opened.at_ns),
        finished_ns=max(finished, default=None),
    )


def opened_of(segments: Iterable[Segment]) -> SessionOpened | None:
    """Merge what was said of the session, in the order in which it was said."""
    merged: SessionOpened | None = None
    said = sorted(
        (s for s in segments if s.opened),
        key=lambda s: (s.opened.at_ns, s.run, s.first),  # type: ignore[union-attr]
    )
    for segment in said:
        merged = merge_opened(merged, segment.opened)
    return merged


def reports_of(car: tuple[bool, str], segments: Iterable[Segment]) -> Reports:
    """Merge what the sim said of the laps of one car."""
    merged: Reports = {}
    said = [segment.reports[car] for segment in segments if car in segment.reports]
    for laps in said:
        for number, versions in laps.items():
            both = (*merged.get(number, ()), *versions)
            merged[number] = _deduplicated(both)
    return merged


def _deduplicated(versions: tuple[LapReported, ...]) -> tuple[LapReported, ...]:
    kept: tuple[LapReported, ...] = ()
    for version in sorted(versions, key=lambda v: v.at_ns):
        kept = append_versions(kept, (version,))
    return kept


def own_laps(line: Timeline, reports: Reports, whose: Whose) -> Iterator[Lap]:
    """Derive the laps of the driver's own car, in order."""
    verdicts = _verdicts(line, reports)
    if not reports:
        verdicts = _told(line)
    passages = [passage for epoch in line.epochs for passage in epoch.passages]
    seen: set[int] = set()
    for passage in passages:
        if passage.label is not None:
            seen.add(passage.label)
            driven = passage is passages[-1]
            yield _lap(passage, verdicts.get(passage.label), line, whose, driven)
    for label in sorted(verdicts.keys() - seen):
        yield _reported_lap(label, verdicts[label], whose, whose.car, own=True)


def other_laps(line: Timeline, reports: Reports, whose: Whose, car: str) -> Iterator[Lap]:
    """Derive the laps of another car, of which there are no frames."""
    for label, verdict in sorted(_verdicts(line, reports).items()):
        yield _reported_lap(label, verdict, whose, car, own=False)


def _verdicts(line: Timeline, reports: Reports) -> dict[int, Verdict]:
    """Return the sim's last word on each lap, by label."""
    verdicts: dict[int, Verdict] = {}
    for number, versions in reports.items():
        for said in versions:
            if line.is_void(said.at_ns):
                continue
            offset = line.epochs[line.epoch_of(said.at_ns)].offset if line.epochs else 0
            time_s = round(said.lap_time_s, 4)
            sectors_s = tuple(round(sector_s, 4) for sector_s in said.sectors_s)
            verdicts[number + offset] = Verdict(said.at_ns, time_s, sectors_s, said.valid)
    return verdicts


def _reported_lap(label: int, verdict: Verdict, whose: Whose, car: str, own: bool) -> Lap:
    return Lap(
        session=whose.session,
        driver=whose.driver,
        at_ns=verdict.at_ns,
        car=car,
        own=own,
        lap_number=label,
        revision=0,
        lap_time_s=verdict.time_s,
        timed_by="sim",
        sectors_s=verdict.sectors_s,
        valid=verdict.valid is not False,
        complete=False,
    )


def _lap(
    passage: Passage, verdict: Verdict | None, line: Timeline, whose: Whose, last: bool
) -> Lap:
    driven = last and passage.end is None and verdict is None and not _over(passage, whose)
    ended_ns = _ended_ns(passage, verdict)
    begun = passage.start is not None or passage.grid
    complete = begun and passage.whole and (driven or ended_ns is not None)
    rewound = any(a < passage.pieces[-1].last_ns and b > passage.begins_ns for a, b in line.voids)
    pit = _pit(passage)
    lap_time_s, timed_by = _time(passage, verdict)
    judged = verdict.valid if verdict else None
    fair = not (rewound or passage.jumped or pit.entered or pit.left)
    counts = judged if judged is not None else complete and _held_valid(passage)
    return Lap(
        session=whose.session,
        driver=whose.driver,
        at_ns=passage.begins_ns if ended_ns is None else ended_ns,
        car=whose.car,
        own=True,
        lap_number=passage.label or 0,
        revision=0,
        lap_time_s=lap_time_s,
        timed_by=timed_by,
        sectors_s=_sectors(passage, verdict, lap_time_s, line),
        valid=fair and counts,
        in_lap=pit.entered,
        out_lap=pit.left,
        pit=pit.seen,
        complete=complete,
        frames=sum(piece.frames for piece in passage.pieces),
        run=passage.pieces[0].run,
        started_ns=passage.begins_ns,
        ended_ns=ended_ns,
        fuel_used=_fuel_used(passage) if begun and ended_ns is not None else None,
    )


def _over(passage: Passage, whose: Whose) -> bool:
    return whose.finished_ns is not None and whose.finished_ns >= passage.begins_ns


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
    if verdict is not None:
        return verdict.time_s, "sim"
    crossing_s = _crossing_s(passage)
    return (None, "none") if crossing_s is None else (round(crossing_s, 3), "crossing")


def _crossing_s(passage: Passage) -> float | None:
    """Return the time between both crossings by the session's clock, which a pause stops."""
    start, end = passage.start, passage.end
    if start is None or end is None or max(start.slack_s, end.slack_s) > PRECISE_S:
        return None
    return _lasted_s((start.at_ns, start.clock_s), (end.at_ns, end.clock_s))


def _lasted_s(start: tuple[int, float], end: tuple[int, float]) -> float:
    lasted_s = end[1] - start[1]
    return lasted_s if lasted_s > 0 else (end[0] - start[0]) / 1e9


def _held_valid(passage: Passage) -> bool:
    """Tell whether the sim held the lap valid; in its first seconds it still speaks of the last."""
    settled_ns = passage.begins_ns + SKEW_NS
    changes = _changes(passage, "valid")
    first = [value for at_ns, _, value in changes if at_ns <= settled_ns][-1:]
    return all(first + [value for at_ns, _, value in changes if at_ns > settled_ns])


def _changes(passage: Passage, channel: str) -> Changes:
    joined: Changes = ()
    for piece in passage.pieces:
        joined = chain(joined, getattr(piece, channel))
    return joined


class Pit(Struct, frozen=True):
    """Say whether the pit lane was seen on a lap, entered and left."""

    seen: bool
    entered: bool
    left: bool


def _pit(passage: Passage) -> Pit:
    states = [value > 0 for _, _, value in _changes(passage, "pit")]
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
    passage: Passage, verdict: Verdict | None, lap_time_s: float | None, line: Timeline
) -> tuple[float, ...]:
    if verdict is not None and verdict.sectors_s:
        return verdict.sectors_s
    if passage.start is None:
        return ()
    start = passage.start
    passed = _sector_marks(_changes(passage, "sector"), start, line)
    marks = [(start.at_ns, start.clock_s), *passed]
    sectors_s = [_lasted_s(a, b) for a, b in pairwise(marks)]
    if sectors_s and lap_time_s is not None and passage.end is not None:
        sectors_s.append(lap_time_s - sum(sectors_s))
    return tuple(round(sector_s, 3) for sector_s in sectors_s if sector_s > 0)


def _sector_marks(changes: Changes, start: Cut, line: Timeline) -> Iterator[tuple[int, float]]:
    """Yield when the car passed from each sector into the next, as long as none is missing."""
    sector = 0.0
    known: list[Change] = [change for change in changes if not line.is_void(change[0])]
    for at_ns, clock_s, value in known:
        if value == sector + 1:
            sector = value
            yield at_ns, clock_s
        elif value != sector and at_ns > start.at_ns + SKEW_NS:
            return


def _told(line: Timeline) -> dict[int, Verdict]:
    """Pair changes of the sim's last lap time with laps, for sims that only have this channel.

    It arrives late, sometimes a lap late, and at the flag while the lap number stays.
    """
    passages = [passage for epoch in line.epochs for passage in epoch.passages]
    verdicts: dict[int, Verdict] = {}
    for index, verdict in _told_changes(passages, line):
        label = _whose_time(passages, index, verdict, verdicts)
        if label is not None:
            verdicts[label] = verdict
    return verdicts


def _told_changes(passages: list[Passage], line: Timeline) -> Iterator[tuple[int, Verdict]]:
    last = math.nan
    first_ns = passages[0].pieces[0].first_ns if passages else 0
    for index, passage in enumerate(passages):
        for at_ns, _, value in _changes(passage, "told"):
            news = value != last and at_ns > first_ns and value > 0
            last = value
            if news and not line.is_void(at_ns):
                yield index, Verdict(at_ns, round(value, 4))


def _whose_time(
    passages: list[Passage], index: int, told: Verdict, known: dict[int, Verdict]
) -> int | None:
    ended = [p for p in passages[max(index - 2, 0) : index] if p.label not in known]
    for passage in reversed(ended):
        crossing_s = _crossing_s(passage)
        if crossing_s is not None and abs(crossing_s - told.time_s) < AGREES_S:
            return passage.label
    driving = passages[index]
    if driving.start is not None:
        elapsed_s = (told.at_ns - driving.start.at_ns) / 1e9
        if abs(elapsed_s - told.time_s) < FLAG_AGREES_S:
            return driving.label
    last = passages[index - 1] if index else None
    return last.label if last is not None and last in ended else None
