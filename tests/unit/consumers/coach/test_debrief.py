"""A stint shows where the usual lap loses time against the best one in it."""

from collections.abc import Sequence
from statistics import median

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.coach import debrief
from consumers.coach.debrief import FINDINGS, LAPS, MOST_LAPS, Stint
from schemas.coaching import Cause, Debrief, Moment, Silence
from schemas.passes import Judged, Pass, Passes
from schemas.track import Stretch

Times = Sequence[float]


def a_lap(number: int, times_s: Times, judged: Judged = "yes") -> Passes:
    """Return a lap whose corners took so long; a quicker corner has a higher lowest speed."""
    return Passes(
        session="s",
        driver="ada",
        at_ns=number,
        car="7",
        lap_number=number,
        revision=1,
        judged=judged,
        run=1,
        chunks=(number, number),
        started_ns=number,
        ended_ns=number + 1,
        lap_time_s=sum(times_s),
        passes=tuple(
            Pass(
                corner=f"T{index}",
                begins_m=100.0 * index,
                time_s=time_s,
                entry_mps=50.0,
                minimum_m=100.0 * index + 50,
                minimum_mps=40.0 - time_s,
                exit_mps=40.0,
                throttle_m=100.0 * index + 60,
            )
            for index, time_s in enumerate(times_s, 1)
        ),
    )


def a_moment(number: int, corner: str, cause: Cause) -> Moment:
    return Moment(
        session="s",
        driver="ada",
        at_ns=number,
        car="7",
        lap_number=number,
        revision=1,
        cause=cause,
        corner=corner,
        worth_s=0.2,
        evidence=(),
        where=Stretch(0.0, 1.0),
        run=1,
        chunks=(number, number),
        priority=10,
        say=(),
        expires_ns=number,
    )


def nothing(number: int) -> Silence:
    return Silence(
        session="s",
        driver="ada",
        at_ns=number,
        car="7",
        lap_number=number,
        revision=1,
        reason="nothing_lost",
    )


def fold(*laps: Passes, said: Sequence[Moment] = (), stint: Stint | None = None) -> list[Debrief]:
    by_lap = {one.lap_number: one for one in said}
    stint, found = stint or Stint(), []
    for one in laps:
        fact = by_lap.get(one.lap_number, nothing(one.lap_number))
        stint, made = debrief.step(stint, one, fact)
        found += [made] if made else []
    return found


def of_times(*times_s: Times) -> list[Passes]:
    return [a_lap(number, one) for number, one in enumerate(times_s, 1)]


def test_two_laps_show_nothing_and_three_do() -> None:
    laps = of_times((10, 12), (10, 12), (10, 12))
    assert fold(*laps[:2]) == []
    [made] = fold(*laps)
    assert (made.lap_number, made.last_lap, made.laps, made.ended) == (1, 3, 3, False)


def test_the_dearest_corners_come_first_with_the_lap_that_shows_how() -> None:
    [made] = fold(*of_times((10.0, 12.0, 9.0), (10.3, 12.1, 9.0), (10.3, 12.1, 9.0)))
    assert [one.corner for one in made.findings] == ["T1", "T2"]
    first = made.findings[0]
    assert first.worth_s == pytest.approx(0.3)
    assert (first.best_lap, first.usual_lap) == (1, 2)
    assert (first.evidence[0].value, first.evidence[0].usual) == (30.0, 29.7)


def test_the_theoretical_best_is_made_of_the_best_corners() -> None:
    [made] = fold(*of_times((10.0, 12.5), (10.5, 12.0), (10.6, 12.6)))
    assert made.theoretical_best_s == pytest.approx(22.0)
    assert (made.best_lap, made.best_lap_s) == (1, 22.5)
    assert made.median_lap_s == pytest.approx(22.5)


def test_a_corner_is_uneven_where_its_times_vary_by_more_than_the_usual_loss() -> None:
    steady, wild = (10.0, 10.3, 10.3, 10.3), (12.0, 12.1, 13.5, 12.1)
    *_, made = fold(*of_times(*zip(steady, wild, strict=True)))
    assert {one.corner: one.uneven for one in made.findings} == {"T1": False, "T2": True}


def test_a_finding_names_the_cause_that_was_said_most_often() -> None:
    laps = of_times((10.0, 12.0), (10.3, 12.0), (10.3, 12.0), (10.3, 12.0))
    causes: list[Cause] = ["late_throttle", "brakes_early", "late_throttle"]
    said = [a_moment(number, "T1", cause) for number, cause in enumerate(causes, 2)]
    finding = fold(*laps, said=said)[-1].findings[0]
    assert (finding.cause, finding.times) == ("late_throttle", 2)


def test_a_pit_lap_ends_the_stint_and_the_next_one_begins_anew() -> None:
    first = of_times(*[(10.0, 12.0)] * 3)
    second = [a_lap(number, (10.0, 12.5)) for number in (6, 7, 8)]
    pits = [a_lap(number, (30.0, 30.0), "pit") for number in (4, 5)]
    found = fold(*first, *pits, *second)
    assert [(one.lap_number, one.ended) for one in found] == [(1, False), (1, True), (6, False)]


@pytest.mark.parametrize("judged", ["disturbed", "off", "not_whole", "other_distance"])
def test_a_lap_that_was_disturbed_is_not_compared(judged: Judged) -> None:
    laps = of_times(*[(10.0, 12.0)] * 3)
    assert fold(*laps, a_lap(4, (9.0, 9.0), judged)) == fold(*laps)


lap_times = st.lists(
    st.tuples(st.floats(5, 20), st.floats(5, 20), st.floats(5, 20)), min_size=1, max_size=12
)


@given(lap_times)
def test_findings_are_few_and_true_of_the_laps(times_s: list[Times]) -> None:
    found = fold(*of_times(*times_s))
    assert len(found) == max(len(times_s) - LAPS + 1, 0)
    for made in found:
        assert len(made.findings) <= FINDINGS
        assert made.theoretical_best_s <= made.best_lap_s + 1e-9
        driven = times_s[: made.last_lap]
        for one in made.findings:
            of_corner = [times[int(one.corner[1:]) - 1] for times in driven]
            assert one.worth_s == pytest.approx(median(of_corner) - min(of_corner), abs=1e-3)
            assert of_corner[one.best_lap - 1] == min(of_corner)


@given(lap_times, st.integers(0, 12))
def test_a_stint_that_was_stored_goes_on_as_if_nothing_had_happened(
    times_s: list[Times], cut: int
) -> None:
    laps = of_times(*times_s)
    stint = Stint()
    for one in laps[:cut]:
        stint, _ = debrief.step(stint, one, nothing(one.lap_number))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(stint), type=Stint)
    assert again == stint
    assert fold(*laps[cut:], stint=again) == fold(*laps)[max(cut - LAPS + 1, 0) :]


def test_a_stint_is_bounded() -> None:
    stint = Stint()
    for number in range(1, 3 * MOST_LAPS):
        one = a_lap(number, (10.0, 12.0))
        stint, _ = debrief.step(stint, one, a_moment(number, "T1", "off"))
    assert (len(stint.laps), len(stint.said), stint.first_lap) == (MOST_LAPS, MOST_LAPS, 1)
