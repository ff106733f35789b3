"""Whatever values a sim sends, a lap is judged or refused with a reason, and nothing fails."""

import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.coach import decide as coach
from consumers.corners import decide
from consumers.corners.frames import CHANNELS, Frames
from consumers.corners.learning import learn
from schemas.timing import Lap
from tests.tools.ring import TRACK, Change, lap

Driven = tuple[Lap, Frames]

VALUES = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, 1e9, 3.5])
SPOILS = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.floats(0, 1), st.floats(0, 1), VALUES), max_size=4
)
DROPS = st.sets(st.sampled_from(["lap_distance", "speed", "throttle", "brake", "accel_lat"]))


def spoilt(
    driven: Driven, spoils: list[tuple[str, float, float, float]], drops: set[str]
) -> Driven:
    """Return a lap without some channels, and with stretches of others at one value."""
    fact, frames = driven
    count = len(frames.times_ns)
    columns = {name: c.copy() for name, c in frames.columns.items() if name not in drops}
    for name, first, last, value in spoils:
        column = columns.setdefault(name, np.full(count, np.nan))
        column[int(first * count) : int(last * count)] = value
    return fact, replace(frames, columns=columns)


@given(st.lists(st.tuples(SPOILS, DROPS), min_size=3, max_size=5))
def test_laps_of_any_values_are_judged_or_refused(
    given_laps: list[tuple[list[tuple[str, float, float, float]], set[str]]],
) -> None:
    laps = [
        spoilt(lap(number, Change(early_m={0: 3.0 * number})), spoils, drops)
        for number, (spoils, drops) in enumerate(given_laps, 1)
    ]
    state, said = decide.initial(), coach.initial()
    for fact, frames in laps:
        state, passes = decide.step(state, fact, frames, TRACK)
        said, moment = coach.step(said, passes)
        msgspec.json.encode(moment)
        for loss in passes.losses:
            assert math.isfinite(loss.net_s)
    learn("ring", laps)
