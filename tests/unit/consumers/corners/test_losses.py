"""Losses are where they were made, and add up to the lap's difference."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.corners.losses import Seconds, losses, shares
from consumers.corners.passes import passes_of
from consumers.corners.trace import Trace, trace_of
from consumers.corners.usual import Usual, driven, usual_of
from consumers.corners.way import way_of
from tests.tools.ring import CORNERS, LENGTH_M, TRACK, Change, lap, time_s

USUAL = Change()
METRES = st.dictionaries(st.integers(0, 3), st.floats(0, 60), max_size=4)
SPEEDS = st.dictionaries(st.integers(0, 3), st.floats(0, 10), max_size=4)
CHANGES = st.builds(Change, early_m=METRES, late_m=METRES, slow_mps=SPEEDS, again_mps=SPEEDS)


def traced(change: Change) -> Trace:
    fact, frames = lap(1, change)
    way = way_of(fact, frames, TRACK)
    assert way is not None
    return trace_of(way, frames, LENGTH_M)


def usual(change: Change = USUAL) -> Usual:
    trace = traced(change)
    return usual_of([driven(1, trace, passes_of(trace, TRACK))], LENGTH_M)


def lost(change: Change, against: Change = USUAL) -> tuple[list[Seconds], float]:
    trace, other = traced(change), usual(against)
    return losses(trace, other, shares(trace, passes_of(trace, TRACK), other, CORNERS))


@given(CHANGES, CHANGES)
def test_losses_add_up_to_the_laps_difference(change: Change, against: Change) -> None:
    seconds, carried_s = lost(change, against)
    total_s = sum(one.net_s for one in seconds) + carried_s
    expected_s = traced(change).times_s[-1] - usual(against).times_s[-1]
    assert total_s == pytest.approx(expected_s, abs=1e-9)


def test_the_usual_lap_loses_nothing() -> None:
    seconds, carried_s = lost(USUAL)
    assert [one.net_s for one in seconds] == pytest.approx([0] * 4, abs=1e-9)
    assert carried_s == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("corner", range(4))
def test_braking_early_is_lost_in_the_entry_of_its_corner(corner: int) -> None:
    change = Change(early_m={corner: 20.0})
    seconds, _ = lost(change)
    cost_s = time_s(change) - time_s(USUAL)
    assert seconds[corner].entry_s == pytest.approx(cost_s, rel=0.15)
    assert seconds[corner].net_s == pytest.approx(cost_s, abs=0.005)
    others = [one.net_s for index, one in enumerate(seconds) if index != corner]
    assert others == pytest.approx([0] * 3, abs=0.005)


@pytest.mark.parametrize("corner", range(3))
def test_a_late_throttle_is_lost_in_the_exit_of_its_corner(corner: int) -> None:
    change = Change(late_m={corner: 20.0})
    seconds, _ = lost(change)
    assert seconds[corner].exit_s == pytest.approx(time_s(change) - time_s(USUAL), abs=0.01)


def test_what_the_last_corner_lost_beyond_the_line_is_no_loss_of_the_first() -> None:
    seconds, carried_s = lost(Change(late_m={3: 30.0}))
    cost_s = time_s(Change(late_m={3: 30.0})) - time_s(USUAL)
    assert carried_s > 0.01
    assert seconds[0].net_s == pytest.approx(0, abs=0.005)
    assert seconds[3].net_s + carried_s == pytest.approx(cost_s, abs=0.01)


def test_a_corner_never_begins_before_the_hold_of_the_corner_before_it() -> None:
    trace, other = traced(Change(early_m={1: 400.0})), usual()
    found = shares(trace, passes_of(trace, TRACK), other, CORNERS)
    for before, after in pairwise(found):
        assert before.begins_m <= before.holds_m <= before.leaves_m <= before.ends_m
        assert before.ends_m == after.begins_m
    assert found[-1].ends_m == pytest.approx(found[0].begins_m + LENGTH_M)


def test_a_track_without_corners_has_no_losses_but_the_whole_difference() -> None:
    trace, other = traced(Change(slow_mps={0: 3.0})), usual()
    seconds, carried_s = losses(trace, other, [])
    assert seconds == []
    assert carried_s == pytest.approx(float(np.sum(trace.cells_s)) - other.times_s[-1])
