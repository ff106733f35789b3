"""Fold how the corners of laps were driven into what is worth saying about each lap."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.coach.causes import Taken, cause_of, evidence_of, worth_s
from schemas.coaching import Cause, Moment, Reason, Silence
from schemas.passes import Judged, Loss, Passes
from schemas.track import Stretch

CERTAIN_Z: Final = 3.8
CERTAIN_S: Final = 0.07
LIKELY_Z: Final = 2.0
LIKELY_S: Final = 0.10
WHOLE_Z: Final = 1.2
"""A loss is said that stands far out of the driver's spread, or that is large and stands out a
little, in a corner that does as a whole."""

SMALL_Z: Final = 1.5
SMALL_S: Final = 0.05
PATTERN_LAPS: Final = 3
"""A small loss is said when it is there twice in so many laps."""

TECHNIQUE: Final = 10
"""The priority of a technique moment; calls that cannot wait have a higher one."""

REASONS: Final[Mapping[Judged, Reason]] = {
    "no_track": "learning_track",
    "no_reference": "learning_driver",
    "pit": "pit",
    "not_whole": "not_whole",
    "disturbed": "disturbed",
    "other_distance": "other_distance",
}


class Small(Struct, frozen=True, array_like=True):
    """Hold a small loss of an earlier lap."""

    lap_number: int
    corner: str
    cause: Cause
    worth_s: float


class State(Struct, frozen=True):
    """Hold the small losses of the last laps, and the patterns said about them."""

    small: tuple[Small, ...] = ()
    said: tuple[Small, ...] = ()


class _Found(Struct, frozen=True):
    """Hold a corner that lost time, why, and the claim; `pattern` for a small loss that repeats."""

    taken: Taken
    cause: Cause
    worth_s: float
    pattern: bool = False


def initial() -> State:
    """Return the state before the first lap."""
    return State()


def step(state: State, passes: Passes) -> tuple[State, Moment | Silence]:
    """Return what is worth saying about the next lap, or why nothing is.

    `revision` is 0: it counts what was issued.
    """
    since = passes.lap_number - PATTERN_LAPS
    state = State(
        small=tuple(one for one in state.small if one.lap_number > since),
        said=tuple(one for one in state.said if one.lap_number > since),
    )
    if passes.judged not in ("yes", "off"):
        return state, _silence(passes, REASONS[passes.judged])
    lost = [_lost(taken) for taken in _taken(passes)]
    plain = [one for one in lost if _is_plain(one)]
    found = plain + _patterns(state, [one for one in lost if one not in plain])
    small = [_small(passes, one) for one in lost if _is_small(one)]
    state = replace(state, small=(*state.small, *small))
    if not found:
        return state, _silence(passes, "nothing_lost")
    dearest = max(found, key=lambda one: one.worth_s)
    if dearest.pattern:
        state = replace(state, said=(*state.said, _small(passes, dearest)))
    return state, _moment(passes, dearest)


def _taken(passes: Passes) -> Iterator[Taken]:
    """Yield the corners that have a loss."""
    made = {one.corner: one for one in passes.passes}
    usual = {one.corner: one for one in passes.usual}
    for loss in passes.losses:
        yield Taken(
            made=made[loss.corner],
            usual=usual[loss.corner],
            loss=loss,
            length_m=passes.track_length_m,
            went_off=passes.judged == "off" and loss is passes.losses[-1],
        )


def _lost(taken: Taken) -> _Found:
    cause = cause_of(taken)
    return _Found(taken, cause, worth_s(taken, cause))


def _is_plain(found: _Found) -> bool:
    """Return whether a loss is said at once."""
    loss = found.taken.loss
    stands_out = _z(loss)
    certain = stands_out > CERTAIN_Z and found.worth_s >= CERTAIN_S
    whole = loss.net_s > WHOLE_Z * loss.spread_s
    return certain or (stands_out > LIKELY_Z and whole and found.worth_s >= LIKELY_S)


def _is_small(found: _Found) -> bool:
    return found.worth_s >= SMALL_S and _z(found.taken.loss) > SMALL_Z


def _patterns(state: State, lost: Iterable[_Found]) -> list[_Found]:
    """Return small losses that are there again, for the same cause, and were not said lately.

    They are worth what both laps lost.
    """
    before = {(one.corner, one.cause): one.worth_s for one in state.small}
    said = {(one.corner, one.cause) for one in state.said}
    found = []
    for one in lost:
        place = one.taken.made.corner, one.cause
        if _is_small(one) and place in before and place not in said:
            worth_s = min(one.worth_s, before[place])
            found.append(replace(one, pattern=True, worth_s=worth_s))
    return found


def _z(loss: Loss) -> float:
    """Return by how many standard deviations a corner, or a phase of it, lost."""
    return max(
        loss.net_s / loss.spread_s,
        loss.entry_s / loss.entry_spread_s,
        loss.minimum_s / loss.minimum_spread_s,
        loss.exit_s / loss.exit_spread_s,
    )


def _small(passes: Passes, found: _Found) -> Small:
    return Small(passes.lap_number, found.taken.made.corner, found.cause, found.worth_s)


def _moment(passes: Passes, found: _Found) -> Moment:
    corner = found.taken.made.corner
    lasted_ns = passes.ended_ns - passes.started_ns
    return Moment(
        session=passes.session,
        driver=passes.driver,
        at_ns=passes.at_ns,
        car=passes.car,
        lap_number=passes.lap_number,
        revision=0,
        cause=found.cause,
        corner=corner,
        worth_s=round(found.worth_s, 3),
        evidence=evidence_of(found.taken, found.cause),
        where=_where(passes, corner),
        run=passes.run,
        chunks=passes.chunks,
        priority=TECHNIQUE,
        say=passes.straights,
        # At the end of the next lap there is news about the same corner.
        expires_ns=passes.ended_ns + lasted_ns,
        usual_of=passes.usual_of,
        pattern=found.pattern,
    )


def _where(passes: Passes, corner: str) -> Stretch:
    """Return a corner's share of the lap."""
    slowed = {loss.corner for loss in passes.losses} | {corner}
    shares = [one for one in passes.passes if one.corner in slowed]
    index = [one.corner for one in shares].index(corner)
    after = shares[(index + 1) % len(shares)]
    return Stretch(round(shares[index].begins_m, 1), round(after.begins_m, 1))


def _silence(passes: Passes, reason: Reason) -> Silence:
    return Silence(
        session=passes.session,
        driver=passes.driver,
        at_ns=passes.at_ns,
        car=passes.car,
        lap_number=passes.lap_number,
        revision=0,
        reason=reason,
        laps_needed=passes.laps_needed,
    )
