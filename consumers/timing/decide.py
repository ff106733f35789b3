"""The fold: chunks in, facts of sessions and laps out.

What is known of a run is a handful of joined segments; laps are derived from these anew whenever a
chunk brings more than another stretch of the lap being driven, and only those that changed are
issued, with a higher revision. So it does not matter in which order chunks come, or how often.
State is in memory; after a restart the stream is folded again from its start.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.laps import Whose, other_laps, own_laps
from consumers.timing.reports import reports_of
from consumers.timing.segments import OWN, Piece, Segment, join
from consumers.timing.sessions import session_of
from consumers.timing.summary import summarise
from consumers.timing.timeline import Timeline, timeline
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark
from schemas.timing import Lap, Session

MAX_SEGMENTS: Final = 4096
"""Of one driver in one session; chunks that would open still more holes are left out."""

Fact = Session | Lap
Car = tuple[bool, str]


class State(Struct, frozen=True):
    """Hold what one driver's runs have told of a session, and what was issued of it."""

    session: str = ""
    driver: str = ""
    runs: dict[int, tuple[Segment, ...]] = {}
    line: Timeline = Timeline((), ())
    about: Session | None = None
    issued: dict[Car, dict[tuple[str, int], Lap]] = {}


def key(event: Chunk | Mark) -> tuple[str, str]:
    """Return whose laps an event is about."""
    return event.session, event.driver


def initial() -> State:
    """Return what is known of a driver in a session before the first chunk."""
    return State()


def decide(state: State, event: Chunk | Mark) -> tuple[State, Sequence[Fact]]:
    """Fold one chunk in; return the facts that it changes.

    Raises ValueError when it is of a newer version, CorruptChunkError when it contradicts itself.
    """
    if event.version > CHUNK_VERSION:
        raise ValueError(f"version {event.version} is newer than {CHUNK_VERSION}, the known one")
    if isinstance(event, Mark):
        return state, ()
    segments = state.runs.get(event.run, ())
    at = bisect_right(segments, event.chunk, key=_first)
    if at and segments[at - 1].last >= event.chunk:
        return state, ()
    added = summarise(event)
    fused, quiet = _fuse(segments, at, added)
    if len(fused) > len(segments) and _count(state) >= MAX_SEGMENTS:
        return state, ()
    state = replace(
        state,
        session=event.session,
        driver=event.driver,
        runs={**state.runs, event.run: fused},
    )
    if quiet and not added.reports:
        return state, ()
    return _issue(state, None if not quiet else added.reports.keys())


def laps_of(state: State) -> Iterator[Lap]:
    """Derive all laps that a state knows of, own ones first, with revision 1."""
    segments = _segments(state)
    about = session_of(state.session, state.driver, segments)
    line = timeline(segments)
    for car in _cars(segments):
        for lap in _laps(state, line, segments, car, about):
            yield replace(lap, revision=1)


def _first(segment: Segment) -> int:
    return segment.first


def _count(state: State) -> int:
    return sum(len(segments) for segments in state.runs.values())


def _segments(state: State) -> list[Segment]:
    return [segment for segments in state.runs.values() for segment in segments]


def _fuse(
    segments: tuple[Segment, ...], at: int, added: Segment
) -> tuple[tuple[Segment, ...], bool]:
    """Put a segment among its run's; return them and whether nothing but a lap grew longer."""
    before, after = segments[:at], segments[at:]
    joined, quiet = added, False
    if before and before[-1].last + 1 == added.first:
        joined = join(before[-1], added)
        quiet = _only_longer(before[-1], joined, added)
        before = before[:-1]
    if after and after[0].first == added.last + 1:
        joined = join(joined, after[0])
        quiet, after = False, after[1:]
    return (*before, joined, *after), quiet


def _only_longer(before: Segment, joined: Segment, added: Segment) -> bool:
    told = added.opened or added.rewinds or added.finished_ns is not None
    if told or OWN in added.reports or len(joined.pieces) != len(before.pieces):
        return False
    return not joined.pieces or _shape(joined.pieces[-1]) == _shape(before.pieces[-1])


def _shape(piece: Piece) -> tuple[bool, int, int, int, int]:
    changes = len(piece.valid), len(piece.pit), len(piece.sector), len(piece.told)
    return piece.jumped, *changes


def _issue(state: State, only: Iterable[Car] | None) -> tuple[State, list[Fact]]:
    """Derive the laps of some cars, or all, and say what differs from what was said before."""
    segments = _segments(state)
    about = session_of(state.session, state.driver, segments)
    line = timeline(segments) if only is None else state.line
    facts: list[Fact] = [about] if about is not None and about != state.about else []
    issued = dict(state.issued)
    for car in _cars(segments) if only is None else sorted(only):
        known = issued.get(car, {})
        news = _news(known, _laps(state, line, segments, car, about))
        if news:
            facts += news
            issued[car] = {**known, **{(lap.car, lap.lap_number): lap for lap in news}}
    return replace(state, line=line, about=about, issued=issued), facts


def _cars(segments: list[Segment]) -> list[Car]:
    others = {car for segment in segments for car in segment.reports} - {OWN}
    return [OWN, *sorted(others)]


def _laps(
    state: State, line: Timeline, segments: list[Segment], car: Car, about: Session | None
) -> Iterator[Lap]:
    reports = reports_of(car, segments)
    whose = Whose(
        session=state.session,
        driver=state.driver,
        car=about.car if about else "",
        finished_ns=about.finished_ns if about else None,
    )
    return (
        own_laps(line, reports, whose) if car == OWN else other_laps(line, reports, whose, car[1])
    )


def _news(known: dict[tuple[str, int], Lap], laps: Iterator[Lap]) -> list[Lap]:
    news: list[Lap] = []
    gone = dict(known)
    for lap in laps:
        before = gone.pop((lap.car, lap.lap_number), None)
        if before is None or _told(before) != _told(lap):
            news.append(replace(lap, revision=before.revision + 1 if before else 1))
    unfinished = [_undone(lap) for lap in gone.values()]
    return news + [lap for lap in unfinished if _told(lap) != _told(known[lap.car, lap.lap_number])]


def _told(lap: Lap) -> Lap:
    """Return a lap without what grows by itself as frames come."""
    return replace(lap, revision=0, at_ns=0, frames=0)


def _undone(lap: Lap) -> Lap:
    """Return what remains of a lap that was taken back: nothing that counts."""
    return Lap(
        session=lap.session,
        driver=lap.driver,
        at_ns=lap.at_ns,
        car=lap.car,
        own=lap.own,
        lap_number=lap.lap_number,
        revision=lap.revision + 1,
        valid=False,
        complete=False,
    )
