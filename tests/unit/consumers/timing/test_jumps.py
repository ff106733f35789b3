"""Nothing is derived over a jump of place, and the sim's word stands wherever it is."""

import pytest

from consumers.timing.replay import laps
from tests.tools.drives import Drive, final, report


def test_a_lap_with_a_tow_has_neither_time_nor_sectors_nor_fuel() -> None:
    drive = Drive(at_m=900.0).set(sector=1, fuel_level=50).go(100).set(sector=0).go(400)
    drive.at_m = 130.0
    drive.stand(5).set(fuel_level=49).go(370).set(sector=1).go(500).set(sector=0).go(200)
    lap = final(drive)[2]
    assert (lap.lap_time_s, lap.sectors_s, lap.fuel_used) == (None, (), None)
    assert (lap.complete, lap.valid) == (False, False)


@pytest.mark.parametrize("left_m", [300.0, 800.0])
@pytest.mark.parametrize("counted", [0, 1])
def test_a_tow_to_a_place_just_behind_the_line_is_no_crossing(left_m: float, counted: int) -> None:
    drive = Drive(at_m=900.0).go(1100 + left_m)
    towed = int(drive.state["lap_number"])
    drive.at_m = 20.0
    drive.state["lap_number"] += counted
    drive.stand(1).go(2200)
    for moment in drive.moments:
        if isinstance(moment, tuple):
            moment[1]["lap_fraction"] = moment[1]["lap_distance"] / 1000
    found = final(drive)
    assert found[towed].lap_time_s is None
    assert not found[towed].valid
    whole = [lap.lap_time_s for lap in found.values() if lap.lap_time_s and lap.valid]
    assert whole == pytest.approx([20.0] * 2, abs=0.01)


def test_the_channel_has_the_time_of_a_lap_whose_report_is_lost() -> None:
    drive = Drive(at_m=900.0).go(100).set(last_lap_time=float("nan"))
    drive.go(1000)
    report(drive, 2, 20.05).set(last_lap_time=20.05).go(1000)
    lost = drive.at_ns
    report(drive, 3, 20.07).set(last_lap_time=20.07).go(1000)
    report(drive, 4, 20.09).set(last_lap_time=20.09).go(100)
    chunks = [c for c in drive.chunks() if not abs(c.captured_ns - lost) < 400_000_000]
    found = {lap.lap_number: lap for lap in laps(chunks)}
    assert [(found[n].lap_time_s, found[n].timed_by) for n in (2, 3, 4)] == [
        (20.05, "sim"),
        (pytest.approx(20.07), "sim"),
        (20.09, "sim"),
    ]
