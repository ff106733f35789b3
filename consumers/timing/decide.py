"""Fold chunks into the facts of sessions and laps.

The state of a run is a few joined segments. Adding a chunk costs no more in a long race than in a
short one. Laps are derived once for as many chunks as came together, and only if more was added
than another stretch of the lap being driven; then those laps that it can change. Only changed laps
are issued, with a higher revision, so the order and repetition of chunks make no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from consumers.timing.laps import Owner, other_laps
from consumers.timing.own import Own, derive
from consumers.timing.reports import OWN, Car, Only, Reports, gather_reports
from consumers.timing.revisions import Issued, Place, changed_laps, withdrawn_laps
from consumers.timing.segments import Segment
from consumers.timing.sessions import session_of
from consumers.timing.state import Fact, State, add
from schemas.telemetry import Chunk, Mark
from schemas.timing import Lap, Session

NAMELESS_NS: Final = 60_000_000_000
"""A driver without a session event for this long sends none; producers repeat it twice as often."""


def key(event: Chunk | Mark) -> tuple[str, str]:
    """Return session and driver of an event."""
    return event.session, event.driver


def decide(state: State, event: Chunk | Mark) -> tuple[State, Sequence[Fact]]:
    """Add one chunk; return the facts that it changes; raises as `add`."""
    return (state, ()) if isinstance(event, Mark) else issue(add(state, event))


def issue(state: State) -> tuple[State, Sequence[Fact]]:
    """Derive the laps that added chunks may have changed; return those that differ from issued."""
    if not (state.moved or state.reported):
        return state, ()
    segments, before = _segments(state), state
    facts: list[Fact] = []
    issued = dict(state.issued)
    if state.moved:
        state = _derived(state, segments)
        facts += _issue_own(before, state, issued, segments)
    only: Mapping[Car, Only] = state.reported
    if not before.own.line.counts_as(state.own.line):
        only = dict.fromkeys(_others(segments))
    for car, laps in _others_laps(state, segments, only):
        facts += _issue_laps(issued, car, laps, issued.get(car, {}) if only[car] is None else {})
    return replace(state, issued=issued, moved=False, reported={}), facts


def settle(state: State) -> tuple[State, Sequence[Fact]]:
    """Derive everything; return the facts that differ from the issued ones."""
    state = replace(state, own=Own())
    segments, before = _segments(state), state
    if not segments:
        return state, ()
    state = _derived(state, segments)
    issued = dict(state.issued)
    facts = _issue_own(before, state, issued, segments)
    others = dict.fromkeys(sorted({*_others(segments), *issued} - {OWN}))
    for car, laps in _others_laps(state, segments, others):
        facts += _issue_laps(issued, car, laps, issued.get(car, {}))
    return replace(state, issued=issued, moved=False, reported={}), facts


def facts_of(state: State) -> Iterator[Fact]:
    """Yield the session and all laps of a state, own ones first, with the revisions issued."""
    segments = _segments(state)
    derived = _derived(state, segments)
    if derived.about is not None:
        yield derived.about
    for lap in _laps(derived, segments):
        if derived.named or not lap.own:
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
    own = derived.own.laps
    yield from (own[label] for label in sorted(own))
    for _, laps in _others_laps(derived, segments, dict.fromkeys(_others(segments))):
        yield from laps


def _segments(state: State) -> list[Segment]:
    return [segment for run in sorted(state.runs) for segment in state.runs[run]]


def _issue_own(
    before: State, state: State, issued: dict[Car, dict[Place, Lap]], segments: list[Segment]
) -> list[Fact]:
    """Return the session and the driver's own laps as far as they changed; note them as issued."""
    facts: list[Fact] = [state.about] if state.about and state.about != before.about else []
    if not state.named:
        return facts
    own, known, laps = state.own, issued.get(OWN, {}), state.own.laps
    if before.named and before.own.owner == own.owner:
        changed = [(own.owner.car, label) for label in sorted(own.changed)] if own.owner else []
        gone = {place: known[place] for place in changed if place in known}
        labels = [label for _, label in changed if label in laps]
    else:
        gone, labels = known, sorted(laps)
    return facts + _issue_laps(issued, OWN, [laps[label] for label in labels], gone)


def _derived(state: State, segments: list[Segment]) -> State:
    """Derive session and own laps as far as they may have changed."""
    about = session_of(state.session, state.driver, segments)
    owner = Owner(
        session=state.session,
        driver=state.driver,
        car=about.car if about else "",
        finished_ns=about.finished_ns if about else None,
    )
    own = derive(segments, owner, state.own, state.told)
    named = _is_named(about, segments)
    return replace(state, about=about, own=own, named=named, told=frozenset())


def _is_named(about: Session | None, segments: list[Segment]) -> bool:
    """Return whether the car's name, part of a lap's identity, is known or no longer expected."""
    if (about and about.source) or any(segment.first == 0 for segment in segments):
        return True
    first_ns = min((piece.first_ns for one in segments if (piece := one.oldest)), default=0)
    last_ns = max((piece.last_ns for one in segments if (piece := one.newest)), default=0)
    return last_ns - first_ns > NAMELESS_NS


def _others(segments: list[Segment]) -> list[Car]:
    return sorted({car for segment in segments for car in segment.reports} - {OWN})


def _others_laps(
    state: State, segments: list[Segment], only: Mapping[Car, Only]
) -> Iterator[tuple[Car, list[Lap]]]:
    """Yield the laps of other cars, which come from reports alone.

    Reports keep their meaning unless a restart or flashback is added.
    """
    for car, reports in sorted(_reports(segments, only).items()):
        owner = Owner(session=state.session, driver=state.driver, car=car[1])
        yield car, list(other_laps(state.own.line, reports, owner))


def _reports(segments: list[Segment], only: Mapping[Car, Only]) -> dict[Car, Reports]:
    return gather_reports((segment.reports for segment in segments), only)


def _issue_laps(
    issued: dict[Car, dict[Place, Lap]], car: Car, laps: list[Lap], gone: Issued
) -> list[Lap]:
    """Return a car's changed laps and add them to `issued`; `gone` are withdrawn if not in them."""
    before = issued.get(car, {})
    facts = changed_laps(before, laps) + withdrawn_laps(gone, laps)
    if facts:
        issued[car] = {**before, **{(lap.car, lap.lap_number): lap for lap in facts}}
    return facts
