"""At most one thing is said about a lap, and a silence has a reason."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.coach import decide
from consumers.coach.decide import State
from schemas.coaching import Moment, Silence
from schemas.passes import Judged, Loss, Pass, Passes
from schemas.track import Stretch

SPREAD_S = 0.02
CORNERS = ("T1", "T2", "T3")


def a_pass(index: int, early_m: float = 0.0) -> Pass:
    begins_m = 300.0 + 500 * index
    return Pass(
        corner=CORNERS[index],
        begins_m=begins_m,
        time_s=10.0,
        entry_mps=60.0,
        minimum_m=begins_m + 100,
        minimum_mps=25.0,
        exit_mps=35.0,
        brakes_m=begins_m + 8 - early_m,
        throttle_m=begins_m + 120,
    )


def a_loss(index: int, entry_s: float, exit_s: float = 0.0) -> Loss:
    return Loss(
        corner=CORNERS[index],
        entry_s=entry_s,
        minimum_s=0.0,
        exit_s=exit_s,
        entry_spread_s=SPREAD_S,
        minimum_spread_s=SPREAD_S,
        exit_spread_s=SPREAD_S,
        spread_s=SPREAD_S,
    )


def a_lap(number: int, *entry_s: float, judged: Judged = "yes", exit_s: float = 0.0) -> Passes:
    """Return a lap whose corners lost so much in the entry, braking 20 m early where above 0."""
    seconds = [*entry_s, *[0.0] * (3 - len(entry_s))]
    return Passes(
        session="s",
        driver="ada",
        at_ns=number * 100,
        car="7",
        lap_number=number,
        revision=1,
        judged=judged,
        run=1,
        chunks=(number, number + 1),
        started_ns=number * 100 - 90,
        ended_ns=number * 100,
        track="ring",
        track_version=1,
        track_length_m=2000.0,
        passes=tuple(a_pass(index, 20.0 * (lost > 0)) for index, lost in enumerate(seconds)),
        usual=tuple(a_pass(index) for index in range(3)),
        usual_of=(number - 1,),
        losses=tuple(a_loss(index, lost, exit_s) for index, lost in enumerate(seconds)),
        straights=(Stretch(100.0, 250.0),),
    )


def fold(*laps: Passes) -> list[Moment | Silence]:
    state, said = decide.initial(), []
    for one in laps:
        state, fact = decide.step(state, one)
        said.append(fact)
    return said


def said(*laps: Passes) -> list[str]:
    """Return the corner of each moment, or the reason of each silence."""
    return [one.corner if isinstance(one, Moment) else one.reason for one in fold(*laps)]


def test_the_dearest_corner_is_said() -> None:
    [moment] = fold(a_lap(5, 0.12, 0.3, 0.2))
    assert isinstance(moment, Moment)
    assert (moment.corner, moment.cause, moment.worth_s) == ("T2", "brakes_early", 0.3)
    assert (moment.lap_number, moment.chunks, moment.usual_of) == (5, (5, 6), (4,))
    assert moment.where == Stretch(800.0, 1300.0)
    assert moment.say == (Stretch(100.0, 250.0),)


def test_a_moment_expires_when_the_next_lap_ends() -> None:
    [moment] = fold(a_lap(5, 0.3))
    assert isinstance(moment, Moment)
    assert moment.expires_ns == 590


def test_what_a_phase_lost_and_another_gave_back_is_not_claimed() -> None:
    [moment] = fold(a_lap(5, 0.3, exit_s=-0.15))
    assert isinstance(moment, Moment)
    assert moment.worth_s == pytest.approx(0.15)
    assert said(a_lap(5, 0.79, exit_s=-0.74)) == ["nothing_lost"]


@pytest.mark.parametrize(("entry_s", "silent"), [(0.03, True), (0.065, True), (0.09, False)])
def test_little_is_said_only_where_it_is_certain(entry_s: float, silent: bool) -> None:
    assert (said(a_lap(5, entry_s)) == ["nothing_lost"]) is silent


def test_a_small_loss_that_is_there_twice_in_three_laps_is_a_pattern() -> None:
    facts = fold(a_lap(5, 0.06), a_lap(6), a_lap(7, 0.06))
    assert [isinstance(one, Moment) for one in facts] == [False, False, True]
    assert isinstance(facts[2], Moment)
    assert facts[2].pattern
    assert said(a_lap(5, 0.06), a_lap(6), a_lap(7), a_lap(8, 0.06))[-1] == "nothing_lost"


def test_a_pattern_is_not_said_again_on_the_next_lap() -> None:
    laps = [a_lap(number, 0.06) for number in range(5, 10)]
    assert said(*laps) == ["nothing_lost", "T1", "nothing_lost", "nothing_lost", "T1"]


def test_a_pattern_is_worth_what_both_laps_lost() -> None:
    moment = fold(a_lap(5, 0.066), a_lap(6, 0.056))[-1]
    assert isinstance(moment, Moment)
    assert moment.worth_s == pytest.approx(0.056)


def test_a_small_loss_in_another_corner_is_no_pattern() -> None:
    assert said(a_lap(5, 0.06), a_lap(6, 0.0, 0.06))[-1] == "nothing_lost"


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        ("no_track", "learning_track"),
        ("no_reference", "learning_driver"),
        ("pit", "pit"),
        ("not_whole", "not_whole"),
        ("disturbed", "disturbed"),
        ("other_distance", "other_distance"),
    ],
)
def test_a_lap_that_is_not_judged_is_silent_and_says_why(judged: Judged, reason: str) -> None:
    assert said(a_lap(5, 0.5, judged=judged)) == [reason]


def test_the_last_corner_of_a_lap_that_went_off_is_where_it_went_off() -> None:
    lap = a_lap(5, 0.0, 2.0, judged="off")
    [moment] = fold(replace(lap, losses=lap.losses[:2]))
    assert isinstance(moment, Moment)
    assert (moment.cause, moment.corner) == ("off", "T2")


def test_how_many_laps_are_still_needed_is_passed_on() -> None:
    [silence] = fold(replace(a_lap(1, judged="no_reference"), laps_needed=1))
    assert isinstance(silence, Silence)
    assert silence.laps_needed == 1


LOSSES = st.lists(st.lists(st.floats(-0.2, 0.4), min_size=3, max_size=3), min_size=1, max_size=12)


@given(LOSSES, st.data())
def test_a_state_restored_at_any_lap_says_the_same(
    losses: list[list[float]], data: st.DataObject
) -> None:
    laps = [a_lap(number, *lost) for number, lost in enumerate(losses, 1)]
    at = data.draw(st.integers(0, len(laps)))
    assert _encoded(laps, at) == _encoded(laps, len(laps))


def _encoded(laps: Sequence[Passes], restored_at: int) -> bytes:
    state, facts = decide.initial(), []
    for index, lap in enumerate(laps):
        if index == restored_at:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
        state, fact = decide.step(state, lap)
        facts.append(fact)
    return msgspec.msgpack.encode(facts)


@given(LOSSES)
def test_a_moment_never_claims_more_than_its_corner_lost(losses: list[list[float]]) -> None:
    laps = [a_lap(number, *lost, exit_s=-0.05) for number, lost in enumerate(losses, 1)]
    for lap, fact in zip(laps, fold(*laps), strict=True):
        if isinstance(fact, Moment):
            [loss] = [one for one in lap.losses if one.corner == fact.corner]
            assert fact.worth_s <= loss.net_s + 0.0005
