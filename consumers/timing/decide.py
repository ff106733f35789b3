"""Fold chunks into the facts of sessions and laps.

The state of a run is a few joined segments. Laps are derived from these again whenever a chunk adds
more than another stretch of the lap being driven. Only changed laps are issued, with a higher
revision, so the order and repetition of chunks make no difference.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.laps import Derived, Owner, other_laps, own_laps
from consumers.timing.reports import OWN, Car, Only, Reports, reports_of
from consumers.timing.revisions import Place, changed_laps, withdrawn_laps
from consumers.timing.segments import Piece, Segment, join
from consumers.timing.sessions import session_of
from consumers.timing.summary import summarise
from consumers.timing.timeline import Timeline, timeline
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark
from schemas.timing import Lap, Session

MAX_SEGMENTS: Final = 4096
"""The most segments of a driver in a session; chunks that would add one more are left out."""

NAMELESS_NS: Final = 60_000_000_000
"""A driver without a session event for this long sends none; producers repeat it twice as often."""

Fact = Session | Lap


class State(Struct, frozen=True):
    """Hold one driver's runs in a session, and the facts issued from them."""

    session: str = ""
    driver: str = ""
    runs: dict[int, tuple[Segment, ...]] = {}
    line: Timeline = Timeline((), ())
    about: Session | None = None
    own: Derived = {}
    issued: dict[Car, dict[Place, Lap]] = {}


def key(event: Chunk | Mark) -> tuple[str, str]:
    """Return session and driver of an event."""
    return event.session, event.driver


def initial() -> State:
    """Return the state of a driver in a session before the first chunk."""
    return State()


def decide(state: State, event: Chunk | Mark) -> tuple[State, Sequence[Fact]]:
    """Fold one chunk in; return the facts that it changes.

    Raises ValueError for a newer version, CorruptChunkError when the chunk is damaged.
    """
    if isinstance(event, Mark):
        return state, ()
    state, added, quiet = _add(state, event)
    if added is None or (quiet and not added.reports):
        return state, ()
    return _issue(state, added, quiet)


def gather(state: State, chunk: Chunk) -> State:
    """Fold one chunk in without deriving laps; raises as `decide`."""
    return _add(state, chunk)[0]


def settle(state: State) -> tuple[State, Sequence[Fact]]:
    """Derive everything; return the facts that differ from the issued ones."""
    segments = _segments(state)
    if not segments:
        return state, ()
    before = state
    state = _derived(state, segments)
    facts: list[Fact] = [state.about] if state.about and state.about != before.about else []
    issued = dict(state.issued)
    if _is_named(state, segments):
        own = [lap for _, lap in state.own.values()]
        facts += _issue_laps(issued, OWN, own, whole=True)
    for car in sorted({*_others(segments), *issued} - {OWN}):
        facts += _issue_laps(issued, car, list(_others_laps(state, segments, car)), whole=True)
    return replace(state, issued=issued), facts


def restored(
    session: str, driver: str, runs: dict[int, tuple[Segment, ...]], known: Iterable[Fact]
) -> State:
    """Return the state of segments, with `known` facts as issued."""
    about, issued = None, dict[Car, dict[Place, Lap]]()
    for fact in known:
        if isinstance(fact, Session):
            about = fact
        else:
            car = OWN if fact.own else (False, fact.car)
            issued.setdefault(car, {})[fact.car, fact.lap_number] = fact
    return State(session=session, driver=driver, runs=runs, about=about, issued=issued)


def facts_of(state: State) -> Iterator[Fact]:
    """Yield the session and all laps of a state, own ones first, with the revisions issued."""
    segments = _segments(state)
    derived = _derived(state, segments)
    if derived.about is not None:
        yield derived.about
    named = _is_named(derived, segments)
    for lap in _laps(derived, segments):
        if named or not lap.own:
            known = state.issued.get(OWN if lap.own else (False, lap.car), {})
            issued = known.get((lap.car, lap.lap_number))
            yield replace(lap, revision=issued.revision if issued else 1)


def session_in(state: State) -> Session | None:
    """Return the session of a state."""
    return session_of(state.session, state.driver, _segments(state))


def laps_of(state: State) -> Iterator[Lap]:
    """Yield all laps of a state, own ones first, with revision 1."""
    segments = _segments(state)
    for lap in _laps(_derived(state, segments), segments):
        yield replace(lap, revision=1)


def _laps(derived: State, segments: list[Segment]) -> Iterator[Lap]:
    yield from (lap for _, lap in derived.own.values())
    for car in _others(segments):
        yield from _others_laps(derived, segments, car)


def _add(state: State, chunk: Chunk) -> tuple[State, Segment | None, bool]:
    """Add a chunk; return its summary, None if nothing changed, and whether only a lap grew."""
    if chunk.version > CHUNK_VERSION:
        raise ValueError(f"version {chunk.version} is newer than {CHUNK_VERSION}, the known one")
    segments = state.runs.get(chunk.run, ())
    at = bisect_right(segments, chunk.chunk, key=_first)
    if at and segments[at - 1].last >= chunk.chunk:
        return state, None, True
    added = summarise(chunk)
    fused, quiet = _fuse(segments, at, added)
    if len(fused) > len(segments) and _count(state) >= MAX_SEGMENTS:
        return state, None, True
    state = replace(
        state,
        session=chunk.session,
        driver=chunk.driver,
        runs={**state.runs, chunk.run: fused},
    )
    return state, added, quiet


def _first(segment: Segment) -> int:
    return segment.first


def _count(state: State) -> int:
    return sum(len(segments) for segments in state.runs.values())


def _segments(state: State) -> list[Segment]:
    return [segment for segments in state.runs.values() for segment in segments]


def _fuse(
    segments: tuple[Segment, ...], at: int, added: Segment
) -> tuple[tuple[Segment, ...], bool]:
    """Add a segment to its run; return the segments and whether only the last lap grew."""
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
    has_events = joined.opened != before.opened or added.rewinds or added.finished_ns is not None
    has_events = has_events or joined.left_out != before.left_out
    if has_events or OWN in added.reports or len(joined.pieces) != len(before.pieces):
        return False
    return not joined.pieces or _shape(joined.pieces[-1]) == _shape(before.pieces[-1])


def _shape(piece: Piece) -> tuple[bool, int, int, int, int]:
    changes = len(piece.valid), len(piece.pit), len(piece.sector), len(piece.last_lap_time_s)
    return piece.jumped, *changes


def _issue(state: State, added: Segment, quiet: bool) -> tuple[State, list[Fact]]:
    """Derive the laps that a chunk may have changed; return those that differ from the issued."""
    segments = _segments(state)
    before, facts = state, list[Fact]()
    issued = dict(state.issued)
    if not quiet:
        state = _derived(state, segments)
        if state.about is not None and state.about != before.about:
            facts.append(state.about)
        own = [lap for _, lap in state.own.values()]
        facts += _issue_laps(issued, OWN, own, whole=True) if _is_named(state, segments) else []
    for car, only in _others_touched(before.line, state.line, segments, added):
        laps = list(_others_laps(state, segments, car, only))
        facts += _issue_laps(issued, car, laps, whole=only is None)
    return replace(state, issued=issued), facts


def _derived(state: State, segments: list[Segment]) -> State:
    """Derive session, timeline and own laps again."""
    about = session_of(state.session, state.driver, segments)
    reports = _reports(segments, OWN)
    line = timeline(segments, reports)
    owner = Owner(
        session=state.session,
        driver=state.driver,
        car=about.car if about else "",
        finished_ns=about.finished_ns if about else None,
    )
    own = own_laps(line, reports, owner, state.own)
    return replace(state, about=about, line=line, own=own)


def _is_named(state: State, segments: list[Segment]) -> bool:
    """Return whether the car's name, part of a lap's identity, is known or no longer expected."""
    if (state.about and state.about.source) or any(segment.first == 0 for segment in segments):
        return True
    pieces = [piece for segment in segments for piece in segment.pieces]
    since_ns = min((piece.first_ns for piece in pieces), default=0)
    return max((piece.last_ns for piece in pieces), default=0) - since_ns > NAMELESS_NS


def _others_touched(
    before: Timeline, line: Timeline, segments: list[Segment], added: Segment
) -> list[tuple[Car, Only]]:
    """Return the other cars of which laps may have changed, with the sim's numbers of those laps.

    Their laps come from reports alone, which keep their meaning unless a restart or flashback is
    added.
    """
    if before.counts_as(line):
        return [(car, laps) for car, laps in sorted(added.reports.items()) if car != OWN]
    return [(car, None) for car in _others(segments)]


def _others(segments: list[Segment]) -> list[Car]:
    return sorted({car for segment in segments for car in segment.reports} - {OWN})


def _others_laps(
    state: State, segments: list[Segment], car: Car, only: Only = None
) -> Iterator[Lap]:
    owner = Owner(session=state.session, driver=state.driver, car=car[1])
    return other_laps(state.line, _reports(segments, car, only), owner)


def _reports(segments: list[Segment], car: Car, only: Only = None) -> Reports:
    return reports_of(car, (segment.reports for segment in segments), only)


def _issue_laps(
    issued: dict[Car, dict[Place, Lap]], car: Car, laps: list[Lap], whole: bool
) -> list[Lap]:
    """Return a car's changed laps and add them to `issued`; `whole` if `laps` are all of them."""
    before = issued.get(car, {})
    facts = changed_laps(before, laps) + (withdrawn_laps(before, laps) if whole else [])
    if facts:
        issued[car] = {**before, **{(lap.car, lap.lap_number): lap for lap in facts}}
    return facts
