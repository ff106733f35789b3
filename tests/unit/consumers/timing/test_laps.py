"""Test the laps and their times, by line, lap number and the sim's reports."""

import math

import msgspec
import pytest
from msgspec.structs import replace

from consumers.timing.replay import laps
from schemas.sim import Finished, SessionOpened
from tests.tools.drives import START_NS, Drive, Moment, cut, final, packed, report


def test_a_lap_between_two_crossings_is_timed_by_them() -> None:
    drive = Drive(at_m=900.0).go(200, 50).go(900, 40).go(200, 50)
    lap = final(drive)[2]
    assert lap.timed_by == "crossing"
    assert lap.lap_time_s == pytest.approx(100 / 50 + 900 / 40, abs=0.002)
    assert (lap.valid, lap.complete, lap.in_lap, lap.out_lap) == (True, True, False, False)


def test_a_crossing_between_frames_is_interpolated_by_fraction() -> None:
    drive = Drive(at_m=903.0).go(1300)
    placed: list[Moment] = []
    for moment in drive.moments:
        assert isinstance(moment, tuple)
        at_ns, frame = moment
        fraction = frame.pop("lap_distance") / 1000
        placed.append((at_ns, frame | {"lap_fraction": fraction, "speed": math.nan}))
    lap = {lap.lap_number: lap for lap in laps(cut(placed, [3] * len(placed)))}[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.002)


def test_the_sims_own_time_wins_over_crossings() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 20.123).go(100)
    assert (final(drive)[2].lap_time_s, final(drive)[2].timed_by) == (20.123, "sim")


def test_a_lap_with_an_unseen_start_has_only_the_sims_time() -> None:
    unreported = Drive(number=5, at_m=500.0).go(600)
    assert (final(unreported)[5].lap_time_s, final(unreported)[5].complete) == (None, False)
    reported = report(Drive(number=5, at_m=500.0).go(600), 5, 21.5).go(100)
    lap = final(reported)[5]
    assert (lap.lap_time_s, lap.timed_by) == (21.5, "sim")
    assert not lap.complete and not lap.valid


def test_a_reported_lap_without_any_frames_is_a_lap() -> None:
    drive = report(Drive(number=5, at_m=500.0).go(100), 2, 19.0, sectors_s=(9.0, 10.0))
    lap = final(drive.go(50))[2]
    assert (lap.lap_time_s, lap.sectors_s, lap.frames) == (19.0, (9.0, 10.0), 0)
    assert lap.own and lap.valid and not lap.complete


def test_a_time_of_zero_is_no_time() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 0.0).go(100)
    assert final(drive)[2].timed_by == "crossing"


def hurried(moment: Moment, times: int) -> Moment:
    """Return a moment as if the recording were played `times` as fast as it was driven."""
    at_ns = moment[0] if isinstance(moment, tuple) else moment.at_ns
    at_ns = START_NS + (at_ns - START_NS) // times
    return (at_ns, moment[1]) if isinstance(moment, tuple) else replace(moment, at_ns=at_ns)


@pytest.mark.parametrize("times", [20, 1000, 10**12])
def test_laps_of_a_recording_that_is_played_fast_are_those_that_were_driven(times: int) -> None:
    drive = Drive(at_m=900.0, clock=True).set(lap_valid=1, in_pit_lane=0).go(500)
    drive = report(drive.set(lap_valid=0).go(200).set(lap_valid=1).go(410), 2, 20.01)
    drive.moments = [m for n, m in enumerate(drive.moments) if n not in range(30, 50)]
    drive.go(1000).go(880)
    drive.counts = False
    drive = report(drive.go(120), 4, 20.02).set(in_pit_lane=1).go(200)
    slow = final(drive)
    drive.moments = [hurried(moment, times) for moment in drive.moments]
    fast = final(drive)
    assert [lap.valid for lap in slow.values()][1:4] == [False, True, True]
    for number in (2, 3, 4):
        assert (fast[number].valid, fast[number].pit) == (slow[number].valid, slow[number].pit)
        assert fast[number].lap_time_s == pytest.approx(slow[number].lap_time_s, abs=0.06)


@pytest.mark.parametrize("lag_s", [-0.3, -0.1, 0.1, 0.2, 1.0])
def test_a_lap_number_that_changes_off_the_line_does_not_move_the_line(lag_s: float) -> None:
    drive = Drive(at_m=900.0).go(2400)
    lagging = _shift_numbers(drive.moments, round(lag_s * 10))
    laps_ = {lap.lap_number: lap for lap in laps(cut(lagging, [3] * len(lagging)))}
    assert sorted(laps_) == [1, 2, 3, 4]
    assert laps_[2].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert laps_[3].lap_time_s == pytest.approx(20.0, abs=0.002)


def _shift_numbers(moments: list[Moment], frames: int) -> list[Moment]:
    numbers = [moment[1]["lap_number"] for moment in moments if isinstance(moment, tuple)]
    count = len(numbers)
    shifted = [numbers[min(max(index - frames, 0), count - 1)] for index in range(count)]
    return [
        (moment[0], moment[1] | {"lap_number": number})
        for moment, number in zip(moments, shifted, strict=True)
        if isinstance(moment, tuple)
    ]


def test_an_out_lap_that_shares_the_number_of_the_first_lap_is_the_lap_before() -> None:
    drive = Drive(number=1, at_m=400.0)
    drive.counts = False
    drive.go(700)
    drive.counts = True
    found = final(drive.go(1000))
    assert sorted(found) == [0, 1, 2]
    assert (found[0].lap_time_s, found[0].complete) == (None, False)
    assert found[1].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert found[1].complete


def test_frames_before_the_line_belong_to_the_grid_and_not_to_the_first_lap() -> None:
    drive = Drive(number=1, at_m=-100.0).stand(3).go(1200)
    found = final(drive)
    assert found[1].started_ns is not None and found[0].started_ns is not None
    assert found[1].started_ns - found[0].started_ns > 4e9
    assert found[1].frames == 200
    assert found[1].complete


def test_a_lap_from_a_standing_start_on_the_line_is_whole() -> None:
    drive = report(Drive(number=1, at_m=0.0).stand(5).go(1000), 1, 21.0).go(100)
    assert (final(drive)[1].complete, final(drive)[1].lap_time_s) == (True, 21.0)


def test_the_flag_ends_a_lap_though_its_number_stays() -> None:
    drive = Drive(number=4, at_m=900.0).go(1099)
    drive.counts = False
    report(drive, 5, 20.02).go(400)
    drive.emit(Finished(at_ns=drive.at_ns))
    found = final(drive)
    assert found[5].lap_time_s == 20.02
    assert found[5].complete
    assert found[6].lap_time_s is None


def test_the_flag_ends_a_lap_where_frames_stop_at_once() -> None:
    drive = Drive(number=4, at_m=900.0).go(1095)
    report(drive, 5, 20.02).emit(Finished(at_ns=drive.at_ns))
    lap = final(drive)[5]
    assert (lap.lap_time_s, lap.complete, lap.ended_ns) == (20.02, True, drive.at_ns)


def test_a_change_of_the_last_lap_time_at_the_flag_ends_the_lap_being_driven() -> None:
    drive = Drive(number=4, at_m=900.0).set(last_lap_time=20.5).go(1099)
    drive.counts = False
    found = final(drive.set(last_lap_time=20.01).go(100))
    assert (found[5].lap_time_s, found[5].timed_by) == (pytest.approx(20.01, abs=1e-4), "sim")


def test_the_last_lap_time_channel_times_laps_where_the_sim_reports_none() -> None:
    drive = Drive(at_m=900.0).set(last_lap_time=-1).go(1200).set(last_lap_time=20.25).go(300)
    assert (final(drive)[2].lap_time_s, final(drive)[2].timed_by) == (20.25, "sim")


def test_a_last_lap_time_that_comes_a_lap_late_is_of_the_lap_that_took_so_long() -> None:
    drive = Drive(at_m=900.0).set(last_lap_time=-1).go(100).go(1000, 50).go(1000, 40)
    found = final(drive.go(100).set(last_lap_time=20.25).go(100).set(last_lap_time=25.5).go(100))
    assert [found[2].lap_time_s, found[3].lap_time_s] == [20.25, 25.5]


def test_the_running_lap_time_is_never_used() -> None:
    drive = Drive(at_m=900.0).set(lap_time=93.0).go(1200).set(lap_time=32.0).go(1000)
    assert final(drive)[2].lap_time_s == pytest.approx(20.0, abs=0.002)


def test_laps_of_other_cars_are_laps_without_frames() -> None:
    drive = Drive(at_m=900.0).go(200)
    for lap_time_s in (22.0, 21.9):
        report(drive, 3, lap_time_s, own=False, car="44", sectors_s=(10.0, 12.0), valid=False)
    other = [lap for lap in laps(drive.go(100).chunks()) if not lap.own]
    assert [(lap.car, lap.lap_number, lap.lap_time_s) for lap in other] == [("44", 3, 21.9)]
    assert (other[0].frames, other[0].complete, other[0].valid) == (0, False, False)


def test_sectors_come_from_the_sector_channel_where_none_are_reported() -> None:
    drive = Drive(at_m=900.0).set(sector=2).go(100).set(sector=0).go(300)
    drive.set(sector=1).go(350).set(sector=2).go(350).set(sector=0).go(100)
    lap = final(drive)[2]
    assert lap.sectors_s == pytest.approx((6.0, 7.0, 7.0), abs=0.11)
    assert sum(lap.sectors_s) == pytest.approx(lap.lap_time_s)


def test_a_passing_nonsense_number_is_not_a_restart() -> None:
    drive = Drive(number=5, at_m=900.0).go(500)
    drive.state["lap_number"] = 0
    drive.go(100)
    drive.state["lap_number"] = 6
    found = final(drive.go(700))
    assert sorted(found) == [5, 6, 7]
    assert found[6].complete


def test_frames_without_a_lap_number_belong_to_the_lap_around_them() -> None:
    drive = Drive(number=math.nan, at_m=900.0).go(50)
    drive.state["lap_number"] = 5
    drive.go(500).set(lap_number=math.nan).go(100).set(lap_number=6).go(600)
    found = final(drive)
    assert sorted(found) == [5, 6, 7]
    assert found[6].lap_time_s == pytest.approx(20.0, abs=0.01)


def test_a_car_without_lap_numbers_has_laps_by_the_line_alone() -> None:
    drive = Drive(number=math.nan, at_m=900.0).go(2200)
    found = final(drive)
    assert [lap.lap_time_s for lap in found.values()][1:3] == pytest.approx([20.0, 20.0], abs=0.01)
    assert len(found) == 4


def test_a_stage_that_never_passes_the_line_has_no_laps() -> None:
    assert final(Drive(number=math.nan, at_m=5.0).go(900)) == {}


def test_an_unknown_kind_of_sim_event_is_left_out() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 20.5)
    row = drive.chunks(frames=10_000)[0]
    known = msgspec.msgpack.decode(row.observed)
    newer = msgspec.msgpack.encode([{"type": "sim.weather", "at_ns": 1}, *known])
    chunks = [row, packed([], [], newer, number=1)]
    assert {lap.lap_number: lap for lap in laps(chunks)}[2].lap_time_s == 20.5


def test_the_own_car_is_named_by_the_session() -> None:
    drive = Drive(at_m=900.0)
    drive.emit(SessionOpened(at_ns=drive.at_ns, source="test", car="44"))
    assert {lap.car for lap in laps(drive.go(1200).chunks())} == {"44"}
