"""Fold chunks into the facts of sessions and laps.

The state of a run is a few joined segments. Adding a chunk costs no more in a long race than in a
short one. Laps are derived once for as many chunks as came together, and only if more was added
than another stretch of the lap being driven; then those laps that it can change. Only changed laps
are issued, with a higher revision, so the order and repetition of chunks make no difference.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from consumers.timing.laps import Owner
from consumers.timing.others import Other, derive_others
from consumers.timing.own import derive
from consumers.timing.reports import OWN, Car
from consumers.timing.revisions import Place, changed_laps, withdrawn_laps
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
    """Derive the laps that live chunks may have changed; return those that differ from issued."""
    return settle(state) if state.moved or state.others_reported else (state, ())


def settle(state: State) -> tuple[State, Sequence[Fact]]:
    """Derive what all added chunks may have changed; return facts that differ from the issued."""
    segments, before = _segments(state), state
    if not segments:
        return state, ()
    state, differ = _derived(state, segments)
    facts: list[Fact] = [state.about] if state.about and state.about != before.about else []
    issued, own = dict(state.issued), state.own
    if state.named and own.owner:
        same = before.named and own.owner == before.own.owner
        facts += _issue_laps(issued, OWN, own.owner.car, own.laps, own.changed if same else None)
    for car in differ if before.own.owner else sorted({*state.others, *issued} - {OWN}):
        laps = state.others.get(car, Other()).laps
        facts += _issue_laps(issued, car, car[1], laps, differ[car] if before.own.owner else None)
    return replace(state, issued=issued, moved=False, others_reported=False), facts


def facts_of(state: State) -> Iterator[Fact]:
    """Yield the session and all laps of a state, own ones first, with the revisions issued."""
    derived, _ = _derived(state, _segments(state))
    if derived.about is not None:
        yield derived.about
    for lap in _laps(derived):
        if derived.named or not lap.own:
            known = state.issued.get(OWN if lap.own else (False, lap.car), {})
            issued = known.get((lap.car, lap.lap_number))
            yield replace(lap, revision=issued.revision if issued else 1)


def session_in(state: State) -> Session | None:
    """Return the session of a state."""
    return session_of(state.session, state.driver, _segments(state))


def laps_of(state: State) -> Iterator[Lap]:
    """Yield all laps of a state, own ones first, with revision 1."""
    derived, _ = _derived(state, _segments(state))
    for lap in _laps(derived):
        yield replace(lap, revision=1)


def _laps(derived: State) -> Iterator[Lap]:
    yield from (derived.own.laps[label] for label in sorted(derived.own.laps))
    for _, other in sorted(derived.others.items()):
        yield from (other.laps[label] for label in sorted(other.laps))


def _segments(state: State) -> list[Segment]:
    return [segment for run in sorted(state.runs) for segment in state.runs[run]]


def _derived(state: State, segments: list[Segment]) -> tuple[State, dict[Car, set[int]]]:
    """Derive session and laps as far as they may have changed; return which of others differ."""
    about = session_of(state.session, state.driver, segments)
    owner = Owner(
        session=state.session,
        driver=state.driver,
        car=about.car if about else "",
        finished_ns=about.finished_ns if about else None,
    )
    own = derive(segments, owner, state.own, state.fresh)
    others, differ = derive_others(segments, owner, own.line, state.others, own.anew)
    named = _is_named(about, segments)
    derived = replace(state, about=about, own=own, others=others, named=named, fresh={})
    return derived, differ


def _is_named(about: Session | None, segments: list[Segment]) -> bool:
    """Return whether the car's name, part of a lap's identity, is known or no longer expected."""
    if (about and about.source) or any(segment.first == 0 for segment in segments):
        return True
    first_ns = min((piece.first_ns for one in segments if (piece := one.oldest)), default=0)
    last_ns = max((piece.last_ns for one in segments if (piece := one.newest)), default=0)
    return last_ns - first_ns > NAMELESS_NS


def _issue_laps(
    issued: dict[Car, dict[Place, Lap]],
    car: Car,
    name: str,
    laps: Mapping[int, Lap],
    changed: Collection[int] | None,
) -> list[Lap]:
    """Return a car's laps that differ from the issued ones, and add them to those.

    `changed` are the labels that may differ, None for all.
    """
    known = issued.get(car, {})
    places = known if changed is None else {(name, label) for label in changed}
    found = [laps[label] for label in sorted(laps if changed is None else laps.keys() & changed)]
    gone = {place: known[place] for place in places if place in known}
    facts = changed_laps(known, found) + withdrawn_laps(gone, found)
    if facts:
        issued[car] = {**known, **{(lap.car, lap.lap_number): lap for lap in facts}}
    return facts
