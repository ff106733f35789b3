"""Fold the own laps of a driver in a session, in order, into how their corners were driven."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.incidents import incidents
from consumers.corners.judging import LAPS, judge
from consumers.corners.learning import AGREE, is_whole
from consumers.corners.passes import passes_of, slowest
from consumers.corners.spread import Spread
from consumers.corners.straights import straights
from consumers.corners.trace import Trace, trace_of
from consumers.corners.usual import Driven, added, driven, near, usual_of
from consumers.corners.verdicts import is_flagged, is_following
from consumers.corners.way import way_of
from schemas.passes import Judged, Passes
from schemas.timing import Lap
from schemas.track import Track

STANDING_MPS: Final = 10.0
"""A car slower than this at the line started there."""


class State(Struct, frozen=True):
    """Hold the last laps that count, of one car on one track, and the driver's spread."""

    car: str = ""
    track: tuple[str, int] = ("", 0)
    window: tuple[Driven, ...] = ()
    spread: Spread = Spread()


def initial() -> State:
    """Return the state before the first lap."""
    return State()


def step(state: State, lap: Lap, frames: Frames, track: Track | None) -> tuple[State, Passes]:
    """Return how the corners of the next own lap were driven.

    `track` has to be the same for all laps that a state was folded from; where it differs, or the
    car does, the state begins anew. `revision` is 0: it counts what was issued.
    """
    fact = _unjudged(lap, frames, track)
    found = _trace(lap, frames, track)
    if track is None or not isinstance(found, Trace):
        return state, replace(fact, judged=found if isinstance(found, str) else "no_track")
    if (state.car, state.track) != (lap.car, (track.track, track.version)):
        state = State(car=lap.car, track=(track.track, track.version))
    fact = replace(fact, measured=found.measured, straights=straights(found))
    held_up = is_flagged(lap, frames) or is_following(lap, frames)
    return _folded(state, fact, found, track, held_up=held_up)


def _trace(lap: Lap, frames: Frames, track: Track | None) -> Trace | Judged:
    """Return the trace of a lap, else why it cannot be judged."""
    if lap.pit or lap.in_lap or lap.out_lap:
        return "pit"
    if not is_whole(lap):
        return "not_whole"
    if track is None:
        return "no_track"
    way = way_of(lap, frames, track)
    if way is None:
        return "not_whole"
    trace = trace_of(way, frames, track.length_m)
    fits = abs(way.length_m / track.length_m - 1) <= AGREE
    if fits and trace.speed[0] < STANDING_MPS:
        return "pit"
    return trace if fits else "other_distance"


def _unjudged(lap: Lap, frames: Frames, track: Track | None) -> Passes:
    return Passes(
        session=lap.session,
        driver=lap.driver,
        at_ns=lap.at_ns,
        car=lap.car,
        lap_number=lap.lap_number,
        revision=0,
        judged="no_track",
        run=lap.run,
        chunks=frames.chunks,
        started_ns=lap.started_ns or 0,
        ended_ns=lap.ended_ns or 0,
        track=track.track if track else "",
        track_version=track.version if track else 0,
        track_length_m=track.length_m if track else 0.0,
        lap_time_s=lap.lap_time_s,
        incidents=incidents(frames, track),
    )


def _folded(
    state: State, fact: Passes, trace: Trace, track: Track, *, held_up: bool
) -> tuple[State, Passes]:
    """Judge a whole lap against the ones before, and add it to them."""
    window, corners = near(state.window, float(trace.times_s[-1])), track.corners
    if not window:
        passes = passes_of(trace, track)
        kept = driven(fact.lap_number, trace, passes)
        fact = replace(fact, judged="no_reference", laps_needed=LAPS - 1, passes=passes)
        return replace(state, window=(kept,)), fact
    usual = usual_of(window, track.length_m)
    slow = [one.corner for one in slowest(usual.speed, usual.step_m, corners)]
    passes = passes_of(trace, track, slow)
    judgement = judge(trace, passes, usual, state.spread, corners, held_up=held_up)
    judged = judgement.judged != "no_reference"
    kept = driven(fact.lap_number, trace, passes)
    state = replace(
        state,
        window=added(window, kept, judgement.masked() if judged else ()),
        spread=judgement.learned(state.spread),
    )
    return state, replace(
        fact,
        judged=judgement.judged,
        judged_until_m=judgement.off_m,
        passes=judgement.begun(passes, track.length_m),
        usual=judgement.begun(usual.passes, track.length_m),
        usual_of=usual.laps,
        losses=judgement.losses(corners) if judged else (),
        carried_s=judgement.carried_s if judged else 0.0,
    )
