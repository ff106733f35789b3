"""Corners as a refinement: the track is the first of what it steps over."""

from typing import Any

import numpy as np
from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.service import COLUMNS, Corners, Driven, Ground, State
from schemas.passes import Passes
from schemas.timing import Lap
from tests.contract.samples import SAMPLES

FRAMES = Frames(times_ns=np.zeros(0, np.int64), columns={}, chunks=(3, 9))
WHOLE: Any = replace(
    SAMPLES["timing.lap"], valid=True, complete=True, pit=False, in_lap=False, out_lap=False
)
TRACK: Any = SAMPLES["timing.track"]


def stepped(*laps: Lap) -> list[Passes]:
    """Return the passes of laps without a track."""
    corners, found = Corners(), []
    state, nothing = corners.step(corners.initial(), Ground(), None)
    assert not [*nothing]
    for lap in laps:
        item = Driven(tuple(getattr(lap, name) for name in COLUMNS))
        state, facts = corners.step(state, item, FRAMES)
        found += [fact for fact in facts if isinstance(fact, Passes)]
    return found


def test_without_a_track_each_lap_states_how_many_whole_ones_it_takes_to_learn_it() -> None:
    laps = [WHOLE, replace(WHOLE, complete=False), WHOLE, WHOLE, WHOLE]
    found = stepped(*laps)
    assert [(one.judged, one.laps_needed) for one in found] == [
        ("no_track", 2),
        ("not_whole", 0),
        ("no_track", 1),
        ("no_track", 0),
        ("no_track", 0),
    ]
    assert {one.chunks for one in found} == {(3, 9)}


def test_the_track_is_a_fact_and_laps_are_measured_on_it() -> None:
    corners = Corners()
    state, facts = corners.step(State(), Ground("spa", 2), TRACK)
    assert [*facts] == [TRACK]
    again = corners.restore(corners.snapshot(state))
    assert again == state == State(TRACK)


def test_a_lap_that_is_gone_is_stated_without_passes_and_a_track_without_a_word() -> None:
    corners = Corners()
    passes: Any = SAMPLES["timing.passes"]
    gone: Any = corners.withdrawn(passes)
    assert (gone.judged, gone.passes, gone.losses) == ("not_whole", (), ())
    assert (gone.car, gone.lap_number) == (passes.car, passes.lap_number)
    assert corners.withdrawn(TRACK) is None
