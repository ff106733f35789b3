"""Corners, losses and moments of real recordings are those that their drivers drove."""

from pathlib import Path

import pytest

from consumers.coach import decide as coach
from consumers.corners import decide as corners
from consumers.corners.frames import Frames
from consumers.corners.learning import learn
from schemas.coaching import Moment, Silence
from schemas.passes import Passes
from schemas.timing import Lap
from schemas.track import Track
from tests.tools.lap_frames import recorded

FUJI = "csv/iracing-488-gt3_fuji_7-laps.csv.gz"
MONZA = "csv/ams2-m4-gt4_monza_3-laps.csv.gz"
CALDER = "motec/calder_adl_4-laps.ld"
LANGLEY = (
    "iracing/langley_sk-modified_laps-15.187-15.099.ibt",
    "iracing/langley_sk-modified_long.ibt",
)

Driven = list[tuple[Lap, Frames]]


def driven(folder: Path, *names: str) -> Driven:
    for name in names:
        if not (folder / name).exists():
            pytest.skip(f"needs the recording {name} in PITBOX_DATA")
    return [lap for name in names for lap in recorded(folder / name)]


def learned(laps: Driven) -> Track:
    track = learn("real", laps)
    assert track is not None
    return track


def fold(laps: Driven) -> dict[int, tuple[Passes, Moment | Silence]]:
    track, found = learned(laps), {}
    state, said = corners.initial(), coach.initial()
    for lap, frames in laps:
        state, passes = corners.step(state, lap, frames, track)
        said, fact = coach.step(said, passes)
        found[lap.lap_number] = passes, fact
    return found


def test_fuji_has_the_corners_that_its_driver_slowed_down_for(data_dir: Path) -> None:
    track = learned(driven(data_dir, FUJI))
    assert track.length_m == pytest.approx(4460, abs=2)
    apexes_m = [corner.apex_m for corner in track.corners]
    for slow_m in (766, 1320, 1990, 2814, 3062, 3356, 3630):
        assert min(abs(apex_m - slow_m) for apex_m in apexes_m) < 20


def test_at_fuji_the_second_braking_is_named_and_not_the_throttle(data_dir: Path) -> None:
    _, moment = fold(driven(data_dir, FUJI))[4]
    assert isinstance(moment, Moment)
    assert (moment.cause, moment.where.from_m < 2812 < moment.where.to_m) == ("second_brake", True)
    assert moment.worth_s == pytest.approx(0.86, abs=0.05)
    assert 2812 < moment.evidence[0].value < 2860


def test_at_fuji_nothing_else_is_said_than_that_and_the_spin(data_dir: Path) -> None:
    facts = fold(driven(data_dir, FUJI))
    said = {number: fact.cause for number, (_, fact) in facts.items() if isinstance(fact, Moment)}
    assert said == {3: "time_lost", 4: "second_brake"}


def test_the_bends_of_an_oval_are_two_corners(data_dir: Path) -> None:
    track = learned(driven(data_dir, *LANGLEY))
    assert [corner.apex_m for corner in track.corners] == pytest.approx([146, 432], abs=12)
    assert all(corner.left for corner in track.corners)


def test_at_langley_he_came_too_fast_into_the_first_bend(data_dir: Path) -> None:
    _, moment = fold(driven(data_dir, *LANGLEY))[185]
    assert isinstance(moment, Moment)
    assert (moment.corner, moment.cause) == ("T1", "too_fast_in")
    assert moment.worth_s == pytest.approx(0.21, abs=0.04)


def test_a_logger_at_calder_knows_the_way_round(data_dir: Path) -> None:
    track = learned(driven(data_dir, CALDER))
    assert track.length_m == pytest.approx(2258, abs=3)
    assert len(track.corners) in (7, 8)


def test_monza_is_learned_at_nine_frames_a_second(data_dir: Path) -> None:
    track = learned(driven(data_dir, MONZA))
    assert track.length_m == pytest.approx(5789, abs=5)
    assert len(track.line) > 1400
    chicane = [corner.left for corner in track.corners if 560 < corner.apex_m < 700]
    assert chicane in ([True, False], [False, True])


def test_after_a_standing_start_lap_the_usual_one_begins_anew(data_dir: Path) -> None:
    facts = fold(driven(data_dir, MONZA))
    assert [passes.judged for passes, _ in facts.values()][-1] == "no_reference"


@pytest.mark.parametrize("names", [(FUJI,), LANGLEY, (CALDER,)])
def test_corners_and_losses_add_up_to_lap_times(data_dir: Path, names: tuple[str, ...]) -> None:
    laps = driven(data_dir, *names)
    times_s = {lap.lap_number: lap.lap_time_s or 0.0 for lap, _ in laps}
    judged = [passes for passes, _ in fold(laps).values() if passes.losses]
    assert judged
    for passes in judged:
        time_s = times_s[passes.lap_number]
        assert sum(one.time_s for one in passes.passes) == pytest.approx(time_s, abs=0.025)
    # The usual lap of two laps is their mean.
    first = judged[0]
    lost_s = sum(loss.net_s for loss in first.losses) + first.carried_s
    usual_s = sum(times_s[number] for number in first.usual_of) / 2
    assert len(first.usual_of) == 2
    assert lost_s == pytest.approx(times_s[first.lap_number] - usual_s, abs=0.025)
