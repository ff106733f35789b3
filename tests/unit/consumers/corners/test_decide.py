"""Own laps are folded in order; a restored state goes on as if nothing had happened."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.corners import decide
from consumers.corners.decide import State
from consumers.corners.frames import Frames
from schemas.passes import Passes
from schemas.timing import Lap
from tests.tools.ring import APEXES_M, TRACK, Change, lap, time_s

Driven = tuple[Lap, Frames]

USUAL = Change()


def varied(number: int) -> Change:
    """Return a usual lap with a driver's chance: the same for the same number."""
    chance = np.random.default_rng(number)
    return Change(
        early_m=dict(enumerate(chance.uniform(0, 3, 4).tolist())),
        late_m=dict(enumerate(chance.uniform(0, 3, 4).tolist())),
    )


def fold(laps: Sequence[Driven], state: State | None = None) -> tuple[State, list[Passes]]:
    state, found = state or decide.initial(), []
    for one in laps:
        state, passes = decide.step(state, *one, TRACK)
        found.append(passes)
    return state, found


def last_of(*changes: Change, **channels: float | None) -> Passes:
    """Return the last of some laps, after six usual ones."""
    before = [lap(number, varied(number)) for number in range(1, 7)]
    after = [lap(7 + index, change, **channels) for index, change in enumerate(changes)]
    return fold([*before, *after])[1][-1]


def test_a_lap_before_the_track_is_known_says_so() -> None:
    state, passes = decide.step(decide.initial(), *lap(1), None)
    assert (passes.judged, passes.passes) == ("no_track", ())
    assert state == decide.initial()


def test_the_first_two_laps_have_no_usual_one() -> None:
    _, found = fold([lap(number, varied(number)) for number in (1, 2, 3)])
    assert [one.judged for one in found] == ["no_reference", "no_reference", "yes"]
    assert [one.laps_needed for one in found] == [1, 0, 0]
    assert found[2].usual_of == (1, 2)


def test_a_loss_is_what_the_mistake_cost() -> None:
    made = last_of(Change(slow_mps={2: 4.0}))
    cost_s = time_s(Change(slow_mps={2: 4.0})) - time_s(USUAL)
    assert made.losses[2].net_s == pytest.approx(cost_s, rel=0.12)
    others_s = sum(loss.net_s for loss in made.losses) + made.carried_s - made.losses[2].net_s
    assert abs(others_s) < 0.15 * cost_s


def test_a_pit_lap_is_not_judged_and_teaches_nothing() -> None:
    state, _ = fold([lap(1), lap(2)])
    fact, frames = lap(3)
    for named in ({"pit": True}, {"in_lap": True}, {"out_lap": True}):
        after, passes = decide.step(state, replace(fact, **named), frames, TRACK)  # type: ignore[arg-type]
        assert (passes.judged, after) == ("pit", state)


def test_a_lap_with_missing_frames_is_not_judged() -> None:
    fact, frames = lap(1)
    _, passes = decide.step(decide.initial(), replace(fact, complete=False), frames, TRACK)
    assert passes.judged == "not_whole"


def test_a_lap_of_another_length_is_not_judged() -> None:
    fact, frames = lap(1)
    longer = replace(TRACK, length_m=TRACK.length_m * 1.05)
    _, passes = decide.step(decide.initial(), fact, frames, longer)
    assert passes.judged in ("other_distance", "not_whole")


def test_a_lap_that_the_sim_calls_invalid_is_judged_where_it_lost_nothing() -> None:
    assert last_of(USUAL, lap_valid=0.0).judged == "yes"


def test_after_an_off_the_rest_of_a_lap_is_out() -> None:
    before = [lap(number, varied(number)) for number in range(1, 7)]
    fact, frames = lap(7, Change(late_m={1: 90.0}))
    valid = np.where(frames.columns["lap_distance"] > APEXES_M[1] + 30, 0.0, 1.0)
    off = fact, replace(frames, columns=dict(frames.columns) | {"lap_valid": valid})
    state, found = fold([*before, off])
    made = found[-1]
    assert (made.judged, [loss.corner for loss in made.losses]) == ("off", ["T1", "T2"])
    assert made.judged_until_m == pytest.approx(APEXES_M[1] + 30, abs=5)
    assert {masked.corner for masked in state.window[-1].masked} == {1, 2, 3}


def test_what_the_grass_cost_in_the_next_entry_is_no_fault_of_the_next_corner() -> None:
    before = [lap(number, varied(number)) for number in range(1, 7)]
    fact, frames = lap(7, Change(early_m={2: 60.0}))
    valid = np.where(frames.columns["lap_distance"] > 1040, 0.0, 1.0)
    off = fact, replace(frames, columns=dict(frames.columns) | {"lap_valid": valid})
    made = fold([*before, off])[1][-1]
    assert (made.judged, made.losses[-1].corner) == ("off", "T2")
    assert made.losses[-1].exit_s > 0.5


def test_two_neighbouring_corners_that_lose_alike_are_traffic() -> None:
    assert last_of(Change(slow_mps={1: 4.0, 2: 4.0})).judged == "disturbed"


def test_a_mistake_beside_a_corner_driven_by_chance_is_no_traffic() -> None:
    assert last_of(Change(slow_mps={1: 4.0}, late_m={2: 6.0})).judged == "yes"


def test_a_corner_that_lost_throughout_and_on_the_way_from_it_is_traffic() -> None:
    alone = Change(early_m={1: 20.0}, slow_mps={1: 3.0}, late_m={1: 20.0})
    assert last_of(alone).judged == "yes"
    behind = Change(early_m={1: 20.0, 2: 12.0}, slow_mps={1: 3.0}, late_m={1: 20.0})
    assert last_of(behind).judged == "disturbed"


def test_a_lap_close_behind_another_car_is_disturbed() -> None:
    assert last_of(USUAL, gap_ahead=0.6).judged == "disturbed"
    assert last_of(USUAL, gap_ahead=1.5).judged == "yes"
    assert last_of(USUAL, gap_ahead=math.nan).judged == "yes"


def test_a_car_that_is_passed_at_once_disturbs_no_lap() -> None:
    laps = [lap(number, varied(number)) for number in range(1, 7)]
    fact, frames = lap(7)
    gap_s = np.full(len(frames.times_ns), 5.0)
    gap_s[100:220] = 0.5
    passed = replace(frames, columns={**frames.columns, "gap_ahead": gap_s})
    assert fold([*laps, (fact, passed)])[1][-1].judged == "yes"


def test_a_lap_under_a_flag_is_disturbed() -> None:
    assert last_of(USUAL, flags=8.0).judged == "disturbed"
    assert last_of(USUAL, flags=4.0).judged == "yes"


def test_a_mistake_does_not_become_usual() -> None:
    slow = Change(slow_mps={0: 5.0})
    assert last_of(slow, USUAL).losses[0].net_s == pytest.approx(0, abs=0.1)
    made = last_of(*[slow] * 6)
    assert made.losses[0].net_s == pytest.approx(0, abs=0.1)


def test_another_car_begins_anew() -> None:
    state, _ = fold([lap(number, varied(number)) for number in range(1, 5)])
    fact, frames = lap(5)
    after, passes = decide.step(state, replace(fact, car="8"), frames, TRACK)
    assert (passes.judged, after.car, len(after.window)) == ("no_reference", "8", 1)


CHANGES = st.lists(
    st.builds(
        Change,
        early_m=st.dictionaries(st.integers(0, 3), st.floats(0, 30), max_size=2),
        slow_mps=st.dictionaries(st.integers(0, 3), st.floats(0, 6), max_size=2),
    ),
    min_size=1,
    max_size=7,
)


@given(CHANGES, st.data())
def test_a_state_restored_at_any_lap_gives_the_same_rest(
    changes: list[Change], data: st.DataObject
) -> None:
    laps = [lap(number, change) for number, change in enumerate(changes, 1)]
    at = data.draw(st.integers(0, len(laps)))
    state, before = fold(laps[:at])
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    assert restored == state
    whole, facts = fold(laps)
    again, rest = fold(laps[at:], restored)
    encode = msgspec.msgpack.encode
    assert encode([*before, *rest]) == encode(facts)
    assert encode(again) == encode(whole)


def test_a_state_stays_small() -> None:
    state, _ = fold([lap(number, varied(number)) for number in range(1, 12)])
    by_km = len(msgspec.msgpack.encode(state)) / (TRACK.length_m / 1000)
    assert by_km < 200_000 / 5.8
