import math
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitbox.chunks.frames import row_struct
from producers.importers import ibt
from producers.source import Began, Frame, Observation, SourceError
from schemas.channels import CHANNEL_BY_NAME
from schemas.sim import LapReported
from tests.tools.ibt_file import INFO, VARIABLES, file, lap_rows


def read(path: Path, content: bytes) -> list[Observation]:
    path.write_bytes(content)
    return list(ibt.observations(path))


def values(items: list[Observation]) -> list[dict[str, float]]:
    [began] = [item for item in items if isinstance(item, Began)]
    by_id = {channel.id: name for name, channel in CHANNEL_BY_NAME.items()}
    names = [by_id[channel] for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


def test_session_info_describes_the_session(tmp_path: Path) -> None:
    began = read(tmp_path / "a.ibt", file([{}]))[0]
    assert isinstance(began, Began)
    assert began.session == "iracing-4711-0"
    assert began.opened.track == "Nürburgring Kurz"
    assert (began.opened.car, began.opened.car_model) == ("007", "Fast Car")
    assert (began.opened.kind, began.opened.sectors) == ("qualifying", 2)
    assert began.opened.track_length_m == pytest.approx(1000)


def test_a_session_without_a_number_is_named_by_its_content(tmp_path: Path) -> None:
    offline = file([{}], info=INFO.replace("4711", "0").encode("cp1252"))
    first, again = read(tmp_path / "a.ibt", offline)[0], read(tmp_path / "b.ibt", offline)[0]
    assert isinstance(first, Began)
    assert first.session.startswith("iracing-")
    assert first == again


def test_frames_have_the_time_of_the_file_s_start(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file([{"SessionTime": 5000.0}, {"SessionTime": 5000.25}]))
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times == [1_700_000_000_000_000_000, 1_700_000_000_250_000_000]


def test_a_file_without_a_date_has_the_time_it_was_written_at(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file([{}], started=0))
    [frame] = [item for item in items if isinstance(item, Frame)]
    written_s = (tmp_path / "a.ibt").stat().st_mtime
    assert frame.captured_ns / 1e9 == pytest.approx(written_s, abs=1)


def test_a_number_that_no_frame_can_hold_is_absent(tmp_path: Path) -> None:
    huge = file([{"OilPress": 3e38}])
    assert math.isnan(values(read(tmp_path / "a.ibt", huge))[0]["engine_oil_pressure"])


def test_time_never_goes_back_when_the_next_session_starts(tmp_path: Path) -> None:
    rows = [{"SessionTime": 5000.0}, {"SessionTime": 2.0, "SessionNum": 1}]
    items = read(tmp_path / "a.ibt", file(rows))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]
    frames = [item for item in items if isinstance(item, Frame)]
    assert frames[0].captured_ns <= frames[1].captured_ns


def test_units_are_those_of_the_registry(tmp_path: Path) -> None:
    [frame] = values(read(tmp_path / "a.ibt", file([{}])))
    assert frame["clutch"] == 0
    assert frame["engine_oil_pressure"] == pytest.approx(450_000)
    assert frame["tyre_pressure_fl"] == pytest.approx(150_000)
    assert math.isnan(frame["last_lap_time"])


def test_the_inner_side_of_a_left_tyre_is_its_right(tmp_path: Path) -> None:
    [frame] = values(read(tmp_path / "a.ibt", file([{}])))
    assert frame["tyre_temp_inner_fl"] == 80
    assert frame["tyre_temp_outer_fl"] == 70
    assert frame["tyre_temp_inner_fr"] == 75


def test_a_time_that_arrives_late_is_of_the_lap_that_took_it(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file(lap_rows(3)))
    laps = [item for item in items if isinstance(item, LapReported)]
    assert [(lap.lap_number, round(lap.lap_time_s, 2)) for lap in laps] == [
        (1, 10.01),
        (2, 10.02),
        (3, 10.03),
    ]


def test_a_time_that_arrives_a_lap_late_is_paired_by_the_crossings(tmp_path: Path) -> None:
    rows, line_s = [], [0.0, 10.0, 20.5, 30.0]
    reported = {0: -1.0, 1: -1.0, 2: -1.0, 3: 10.5}
    for index in range(35 * 60):
        time_s = index / 60
        lap = max(n for n, start in enumerate(line_s) if start <= time_s)
        end = line_s[lap + 1] if lap < 3 else 40.0
        pct = (time_s - line_s[lap]) / (end - line_s[lap])
        row = {"SessionTime": 100 + time_s, "Lap": lap + 1, "LapDistPct": pct}
        rows.append(row | {"LapLastLapTime": reported[lap]})
    items = read(tmp_path / "a.ibt", file(rows))
    laps = [item for item in items if isinstance(item, LapReported)]
    assert [(lap.lap_number, lap.lap_time_s) for lap in laps if lap.lap_time_s] == [(2, 10.5)]


def test_a_session_that_begins_again_is_another_one_and_counts_its_laps_from_one(
    tmp_path: Path,
) -> None:
    items = read(tmp_path / "a.ibt", file(lap_rows(2) + lap_rows(2)))
    assert [item.session for item in items if isinstance(item, Began)] == [
        "iracing-4711-0",
        "iracing-4711-0-2",
    ]
    laps = [item for item in items if isinstance(item, LapReported)]
    assert [lap.lap_number for lap in laps] == [1, 2, 1, 2]
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times == sorted(times)


def test_sectors_are_given_when_they_add_up_to_the_lap(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file(lap_rows(2)))
    laps = [item for item in items if isinstance(item, LapReported)]
    assert laps[1].sectors_s == pytest.approx((5, 5), abs=0.001)
    assert laps[0].sectors_s == ()


def test_the_lap_clock_restarts_at_the_line(tmp_path: Path) -> None:
    frames = values(read(tmp_path / "a.ibt", file(lap_rows(2))))
    second = [frame["lap_time"] for frame in frames if frame["lap_number"] == 2]
    assert second[0] < 1 / 60 + 0.001
    assert second[-1] == pytest.approx(10, abs=0.02)


def test_rows_of_a_car_that_is_not_on_track_make_no_frames(tmp_path: Path) -> None:
    assert read(tmp_path / "a.ibt", file([{"IsOnTrack": False}, {"Yaw": 0.0}])) == []


def test_a_file_of_a_sim_that_crashed_is_read_to_its_end(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file([{}, {"SessionTime": 100.1}], declared=0))
    assert len(values(items)) == 2


def test_names_of_persons_neither_break_the_info_nor_are_read(tmp_path: Path) -> None:
    assert "Real" not in repr(read(tmp_path / "a.ibt", file([{}])))


def test_info_that_is_no_yaml_leaves_the_frames(tmp_path: Path) -> None:
    items = read(tmp_path / "a.ibt", file([{}], info=b"\xff{[:\n\0&&&"))
    assert [type(item) for item in items] == [Began, Frame]


def broken(offset: int, value: int) -> bytes:
    content = bytearray(file([{}]))
    struct.pack_into("<i", content, offset, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "too short"),
        (b"20:15:59 state".ljust(5000, b"\0"), "not an iRacing telemetry file"),
        (broken(20, 112), "live memory"),
        (broken(32, 3), "live memory"),
        (broken(24, 5000), "5000 variables"),
        (broken(24, -1), "-1 variables"),
        (broken(28, 2_000_000_000), "declares its variables at"),
        (broken(16, 2_000_000_000), "declares its session info at"),
        (broken(52, 2_000_000_000), "declares its rows at"),
        (broken(36, 0), "rows of 0 bytes"),
        (broken(144 + 4, 2_000_000_000), "SessionTime lies outside"),
        (broken(144 + 8, 2_000_000_000), "SessionTime is of no known type"),
        (broken(144, 9), "SessionTime is of no known type"),
        (broken(144, 0), "lacks the variable SessionTime"),
        (broken(144 + 144 + 4, 4), "SessionNum overlaps another"),
        (file([{}], declared=100), "declares 100 rows, the file has 1"),
        (file([{}])[:-3], "declares its rows at"),
        (file([{}], variables=VARIABLES[1:]), "lacks the variable SessionTime"),
    ],
)
def test_a_faulty_file_raises_an_error_that_names_the_fault(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path / "bad.ibt", content)
    assert "bad.ibt" in str(caught.value)


@given(st.data())
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=2 * settings.default.max_examples,
)
def test_a_damaged_file_is_read_or_rejected_in_a_sentence(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(file(lap_rows(1, lap_s=0.5)))
    for _ in range(data.draw(st.integers(1, 4))):
        offset = data.draw(st.integers(0, len(content) - 4))
        content[offset : offset + 4] = data.draw(st.binary(min_size=4, max_size=4))
    cut = data.draw(st.integers(0, len(content)))
    try:
        items = read(tmp_path / "fuzz.ibt", bytes(content[:cut]))
    except SourceError as error:
        assert "fuzz.ibt" in str(error)
    else:
        for item in items:
            assert not isinstance(item, Frame) or row_struct(len(item.values)).pack(*item.values)


def reported(path: Path, rows: list[dict]) -> list[tuple[int, float, bool | None]]:
    items = read(path, file(rows))
    laps = [item for item in items if isinstance(item, LapReported)]
    return [(lap.lap_number, lap.lap_time_s, lap.valid) for lap in laps]


def test_a_lap_without_a_time_of_the_sim_does_not_count(tmp_path: Path) -> None:
    rows = lap_rows(3)
    for row in rows:
        if row["LapLastLapTime"] == pytest.approx(10.02):
            row["LapLastLapTime"] = -1.0
    assert reported(tmp_path / "a.ibt", rows) == [
        (1, pytest.approx(10.01), None),
        (2, 0, False),
        (3, pytest.approx(10.03), None),
    ]


def test_a_time_after_a_lap_without_one_is_of_the_lap_that_just_ended(tmp_path: Path) -> None:
    rows = lap_rows(3)
    for row in rows:
        given = {2: -1.0, 3: 10.0001}.get(round(100 * (row["LapLastLapTime"] - 10)))
        row["LapLastLapTime"] = given or row["LapLastLapTime"]
        row["SessionTime"] += 0.003 * (row["Lap"] > 3)
    assert (3, pytest.approx(10.0001), None) in reported(tmp_path / "a.ibt", rows)


def test_a_time_of_a_lap_that_began_in_the_pits_is_not_of_the_lap_that_a_file_begins_in(
    tmp_path: Path,
) -> None:
    rows = lap_rows(4)
    rows = [row for row in rows if not (row["Lap"] == 3 and row["LapDistPct"] > 0.4)]
    for row in rows:
        row["LapLastLapTime"] = 14.5 if row["Lap"] == 5 and row["LapDistPct"] > 0.08 else -1.0
    assert [lap for lap in reported(tmp_path / "a.ibt", rows) if lap[1]] == [(4, 14.5, None)]
