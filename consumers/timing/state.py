"""The chunks of a driver in a session, folded: the state from which facts are derived.

Adding a chunk costs no more in a long race than in a short one. A state is bounded; a chunk above
its limits is left out.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.others import Others
from consumers.timing.own import Own
from consumers.timing.quiet import lengthen
from consumers.timing.reports import OWN, Car, Fresh, observed
from consumers.timing.revisions import Place
from consumers.timing.segments import Piece, Segment, join
from consumers.timing.summary import NEEDED, sum_up
from pitbox.chunks.columns import read
from schemas.telemetry import CHUNK_VERSION, Chunk
from schemas.timing import Lap, Session

MAX_SEGMENTS: Final = 4096
MAX_PIECES: Final = 10_000
MAX_EVENTS: Final = 50_000
"""The most of a driver in a session, a multiple of a race of 24 h; chunks above are left out."""

Fact = Session | Lap


class State(Struct, frozen=True):
    """Hold one driver's runs in a session, and the facts issued from them.

    `pieces` and `events` count those of all segments. `named` is whether own laps were issued,
    because the car's name was known. What was added since: `fresh` are the laps of each car that
    were reported, by the sim's numbers; `moved` is whether live chunks changed more than the length
    of the lap being driven, `others_reported` whether they reported laps of other cars.
    """

    session: str = ""
    driver: str = ""
    runs: dict[int, tuple[Segment, ...]] = {}
    pieces: int = 0
    events: int = 0
    named: bool = False
    moved: bool = False
    others_reported: bool = False
    fresh: Fresh = {}
    about: Session | None = None
    own: Own = Own()
    others: Others = {}
    issued: dict[Car, dict[Place, Lap]] = {}


def initial() -> State:
    """Return the state of a driver in a session before the first chunk."""
    return State()


def add(state: State, chunk: Chunk, *, later: bool = False) -> State:
    """Add one chunk; one above the limits of a state is left out.

    With `later` only `settle` derives what it changes, not the next `issue`.
    Raises ValueError for a newer version, CorruptChunkError when the chunk is damaged.
    """
    check_version(chunk)
    segments = state.runs.get(chunk.run, ())
    at = bisect_right(segments, chunk.chunk, key=_first)
    if at and segments[at - 1].last >= chunk.chunk:
        return state
    times_ns, found = read(chunk, NEEDED)
    events = observed(chunk.observed)
    follows = at > 0 and at == len(segments) and segments[-1].last + 1 == chunk.chunk
    if follows and not events:
        longer = lengthen(segments[-1], times_ns, found)
        if longer:
            return replace(state, runs={**state.runs, chunk.run: (*segments[:-1], longer)})
    return fuse(state, chunk, sum_up(chunk, times_ns, found, events), later=later)


def check_version(chunk: Chunk) -> None:
    """Raise ValueError for a chunk of a newer version."""
    if chunk.version > CHUNK_VERSION:
        raise ValueError(f"version {chunk.version} is newer than {CHUNK_VERSION}, the known one")


def contains(state: State, chunk: Chunk) -> bool:
    """Return whether a chunk was added before."""
    segments = state.runs.get(chunk.run, ())
    at = bisect_right(segments, chunk.chunk, key=_first)
    return at > 0 and segments[at - 1].last >= chunk.chunk


def fuse(state: State, chunk: Chunk, added: Segment, *, later: bool) -> State:
    """Add the segment of consecutive chunks, of which `chunk` is one.

    Returns `state` itself when they are above its limits, or one of them was added before.
    """
    segments = state.runs.get(added.run, ())
    at = bisect_right(segments, added.last, key=_first)
    if at and segments[at - 1].last >= added.first:
        return state
    fused, more_pieces, quiet = _fuse(segments, at, added)
    grown = len(fused) > len(segments)
    pieces, events = state.pieces + more_pieces, state.events + _count_events(added)
    if (grown and _count(state) >= MAX_SEGMENTS) or pieces > MAX_PIECES or events > MAX_EVENTS:
        return state
    return State(
        session=chunk.session,
        driver=chunk.driver,
        runs={**state.runs, added.run: fused},
        pieces=pieces,
        events=events,
        named=state.named,
        moved=state.moved or not (quiet or later),
        others_reported=state.others_reported or not (later or added.reports.keys() <= {OWN}),
        fresh=_fresh(state.fresh, added) if added.reports else state.fresh,
        about=state.about,
        own=state.own,
        others=state.others,
        issued=state.issued,
    )


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
    segments = [segment for of_run in runs.values() for segment in of_run]
    return State(
        session=session,
        driver=driver,
        runs=runs,
        pieces=sum(segment.count for segment in segments),
        events=sum(map(_count_events, segments)),
        about=about,
        issued=issued,
    )


def _first(segment: Segment) -> int:
    return segment.first


def _count(state: State) -> int:
    return sum(len(segments) for segments in state.runs.values())


def _count_events(segment: Segment) -> int:
    """Return the number of events that a segment keeps one by one."""
    if not segment.reports:
        return len(segment.rewinds)
    reports = (versions for laps in segment.reports.values() for versions in laps.values())
    return len(segment.rewinds) + sum(map(len, reports))


def _fresh(known: Fresh, added: Segment) -> Fresh:
    """Add the laps that a segment reports."""
    laps = {car: known.get(car, frozenset()).union(one) for car, one in added.reports.items()}
    return {**known, **laps}


def _fuse(
    segments: tuple[Segment, ...], at: int, added: Segment
) -> tuple[tuple[Segment, ...], int, bool]:
    """Add a segment to its run.

    Return the segments, how many pieces they have more, and whether only the last lap grew.
    """
    before, after = segments[:at], segments[at:]
    joined, quiet, replaced = added, False, 0
    if before and before[-1].last + 1 == added.first:
        joined = join(before[-1], added)
        quiet = _only_longer(before[-1], joined, added)
        replaced += before[-1].count
        before = before[:-1]
    if after and after[0].first == added.last + 1:
        joined = join(joined, after[0])
        replaced += after[0].count
        quiet, after = False, after[1:]
    return (*before, joined, *after), joined.count - replaced, quiet


def _only_longer(before: Segment, joined: Segment, added: Segment) -> bool:
    if added.rewinds or added.finished_ns is not None or OWN in added.reports:
        return False
    if joined.opened != before.opened or joined.left_out != before.left_out:
        return False
    old, new = before.newest, joined.newest
    if old is None or new is None:
        return old is new
    return joined.ended is before.ended and _shape(old) == _shape(new)


def _shape(piece: Piece) -> tuple[bool, int, int, int, int]:
    changes = len(piece.valid), len(piece.pit), len(piece.sector), len(piece.last_lap_time_s)
    return piece.jumped, *changes
