import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.timing.replay import laps
from pitbox.settings import Driver
from producers.importers import motec
from producers.imports import chunks_of, digest_of
from producers.source import Began, Frame, Observation, SourceError
from schemas.channels import CHANNELS
from schemas.sim import LeftOut
from schemas.timing import Lap
from tests.tools.ld_file import Channel, file, ldx

LAP_S = 20
STINT_S = 70
SPEED = Channel("Ground Speed", "m/s", 10, [50] * STINT_S * 10)
CLOCK = Channel("Running Lap Time", "s", 1, [max(at - 5.25, 0) % LAP_S for at in range(STINT_S)])
TOLD = Channel("Lap Time", "s", 1, [0] * 27 + [20.01] * 20 + [20.02] * 23)


def observed(path: Path, content: bytes) -> list[Observation]:
    path.write_bytes(content)
    return list(motec.observations(path))


def values(items: list[Observation]) -> list[dict[str, float]]:
    [began] = [item for item in items if isinstance(item, Began)]
    names = [CHANNELS[channel].name for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


def laps_of(path: Path) -> dict[int, Lap]:
    found = laps(chunks_of(path, digest_of(path), Driver(name="ann")))
    return {lap.lap_number: lap for lap in found}


def test_the_session_is_described_by_the_header(tmp_path: Path) -> None:
    began = observed(tmp_path / "a.ld", file(SPEED))[0]
    assert isinstance(began, Began)
    assert (began.opened.source, began.opened.track) == ("motec", "Calder")
    assert began.opened.car_model == "11A"


def test_frames_are_evenly_spaced_from_the_log_s_start(tmp_path: Path) -> None:
    items = observed(tmp_path / "a.ld", file(SPEED))
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert len(times) == STINT_S * 10
    assert times[0] == 1_132_739_580_000_000_000
    assert times[-1] - times[0] == (STINT_S * 10 - 1) * 100_000_000


def test_a_log_without_a_date_ends_when_it_was_written(tmp_path: Path) -> None:
    items = observed(tmp_path / "a.ld", file(SPEED, date=""))
    last = [item for item in items if isinstance(item, Frame)][-1]
    written_s = (tmp_path / "a.ld").stat().st_mtime
    assert last.captured_ns / 1e9 == pytest.approx(written_s, abs=0.2)


def test_columns_that_are_not_used_are_counted_and_named(tmp_path: Path) -> None:
    odd = [Channel(f"Odd {at}", "V", 1, [1]) for at in range(50)]
    items = observed(tmp_path / "a.ld", file(SPEED, *odd))
    [left_out] = [item for item in items if isinstance(item, LeftOut)]
    assert (left_out.reason, left_out.count) == ("channel", 50)
    assert left_out.about.startswith("Odd 0 (V), Odd 1 (V)")
    assert len(left_out.about) == 128


def test_laps_are_timed_by_a_lap_clock_that_is_logged_once_a_second(tmp_path: Path) -> None:
    (tmp_path / "a.ld").write_bytes(file(SPEED, CLOCK))
    found = laps_of(tmp_path / "a.ld")
    timed = {number: lap.lap_time_s for number, lap in found.items() if lap.lap_time_s}
    assert timed == {1: 20.0, 2: 20.0, 3: 20.0}
    assert all(found[number].complete for number in timed)


def test_the_logger_s_own_lap_times_come_late_and_count(tmp_path: Path) -> None:
    (tmp_path / "a.ld").write_bytes(file(SPEED, CLOCK, TOLD))
    found = laps_of(tmp_path / "a.ld")
    assert [(found[n].lap_time_s, found[n].timed_by) for n in (1, 2)] == [
        (pytest.approx(20.01), "sim"),
        (pytest.approx(20.02), "sim"),
    ]


def test_laps_are_timed_by_the_beacons_beside_the_log(tmp_path: Path) -> None:
    (tmp_path / "a.ld").write_bytes(file(SPEED, CLOCK))
    (tmp_path / "a.ldx").write_text(ldx(2.125, 32.25, 61.5))
    found = laps_of(tmp_path / "a.ld")
    timed = {number: lap.lap_time_s for number, lap in found.items() if lap.lap_time_s}
    assert timed == {1: pytest.approx(30.125), 2: pytest.approx(29.25)}


def test_the_file_beside_a_log_gives_it_another_session(tmp_path: Path) -> None:
    (tmp_path / "a.ld").write_bytes(file(SPEED))
    alone = digest_of(tmp_path / "a.ld")
    (tmp_path / "a.ldx").write_text(ldx(2.125))
    assert digest_of(tmp_path / "a.ld") != alone


def test_a_distance_as_frequent_as_the_speed_is_used_as_it_is(tmp_path: Path) -> None:
    distance = Channel("Lap Distance", "m", 10, [at % 300 * 5 for at in range(700)])
    (tmp_path / "a.ld").write_bytes(file(SPEED, distance))
    found = laps_of(tmp_path / "a.ld").values()
    assert 30.0 in [lap.lap_time_s for lap in found]


def test_the_logged_zero_of_a_lap_time_is_absent(tmp_path: Path) -> None:
    frames = values(observed(tmp_path / "a.ld", file(SPEED, CLOCK, TOLD)))
    assert math.isnan(frames[0]["last_lap_time"])
    assert frames[-1]["last_lap_time"] == pytest.approx(20.02)


def test_a_log_without_a_known_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no channel that PitBox knows: Odd \(V\)"):
        observed(tmp_path / "a.ld", file(Channel("Odd", "V", 1, [1])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_log_is_refused_before_its_first_observation(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(file(SPEED._replace(raw=[50] * 50), CLOCK, TOLD))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.sampled_from([*range(0x200), *range(0x1000, 0x1000 + 372)]))
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.ld"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    items = motec.observations(path)
    try:
        first = next(items)
    except SourceError as error:
        assert str(error).startswith("a.ld ")
        return
    assert isinstance(first, Began)
    for count, item in enumerate(items):
        if count > 2000:
            break
        if isinstance(item, Frame):
            assert len(item.values) == len(first.channels)


def test_latitude_and_longitude_are_a_place_on_the_map(tmp_path: Path) -> None:
    south = Channel("GPS Latitude", "deg", 10, [-376_700_000, -376_690_000], "i", decimals=7)
    east = Channel("GPS Longitude", "deg", 10, [1_447_500_000, 1_447_500_000], "i", decimals=7)
    frames = values(observed(tmp_path / "a.ld", file(south, east)))
    assert [frame["world_y"] for frame in frames] == pytest.approx([0, 111.19], abs=0.01)
    assert [frame["world_x"] for frame in frames] == [0, 0]
