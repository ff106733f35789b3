import gzip
import math
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.importers import table
from producers.imports import digest_of
from producers.source import Began, Frame, Observation, SourceError
from schemas.channels import CHANNELS
from schemas.sim import LeftOut

FEED = "_time,GameName,TrackCode,CarModel,SessionTypeName,CurrentLap,DistanceRoundTrack,SpeedMs"


def observed(path: Path, content: str, *chosen: str) -> list[Observation]:
    path.write_text(content)
    return list(table.observations(path, chosen))


def values(items: list[Observation]) -> list[dict[str, float]]:
    [began] = [item for item in items if isinstance(item, Began)]
    names = [CHANNELS[channel].name for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


def test_a_generic_table_gives_the_channels_that_a_user_named(tmp_path: Path) -> None:
    content = "t,v,pedal\n0,36,50\n0.5,72,100\n"
    items = observed(tmp_path / "a.csv", content, "time=t", "speed:km/h=v", "throttle:%=pedal")
    assert values(items) == [
        {"throttle": 0.5, "speed": pytest.approx(10)},
        {"throttle": 1.0, "speed": pytest.approx(20)},
    ]


def test_times_that_count_from_zero_end_when_the_file_was_written(tmp_path: Path) -> None:
    items = observed(tmp_path / "a.csv", "Time,Gear\n100,1\n103,2\n")
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times[1] - times[0] == 3_000_000_000
    assert times[1] == (tmp_path / "a.csv").stat().st_mtime_ns


def test_a_feed_describes_its_session(tmp_path: Path) -> None:
    row = "2026-01-01 00:00:00Z,Automobilista 2,Monza:Monza_2020,BMW M4 GT4,Race,1,0,50"
    began = observed(tmp_path / "a.csv", f"{FEED}\n{row}\n")[0]
    assert isinstance(began, Began)
    opened = began.opened
    assert (opened.source, opened.kind) == ("csv", "race")
    assert (opened.track, opened.car_model) == ("Monza:Monza_2020", "BMW M4 GT4")


def test_another_track_begins_another_session(tmp_path: Path) -> None:
    rows = [
        f"2026-01-01 00:00:0{at}Z,iRacing,{track},x,Practice,1,0,50"
        for at, track in enumerate(["fuji", "fuji", "spa"])
    ]
    items = observed(tmp_path / "a.csv", "\n".join([FEED, *rows]))
    assert [type(item) for item in items] == [Began, Frame, Frame, Began, Frame]


def test_ratios_stay_within_0_and_1_and_a_lap_time_of_none_is_absent(tmp_path: Path) -> None:
    content = "Time,Brake (%),Last Lap Time (s)\n0,-0.0001,-1\n1,100.5,0\n2,,83.5\n"
    frames = values(observed(tmp_path / "a.csv", content))
    assert [frame["brake"] for frame in frames[:2]] == [0, 1]
    assert math.isnan(frames[2]["brake"])
    assert [math.isnan(frame["last_lap_time"]) for frame in frames] == [True, True, False]


def test_what_is_not_used_is_counted_and_named(tmp_path: Path) -> None:
    items = observed(tmp_path / "a.csv", "Time,Gear,Speed,Odd\n0,1,2,3\n1,x,2,3\n2\n")
    left_out = {item.reason: item for item in items if isinstance(item, LeftOut)}
    assert {reason: (one.count, one.about) for reason, one in left_out.items()} == {
        "row": (1, ""),
        "value": (1, "Gear"),
        "channel": (2, "Speed, Odd"),
    }


def test_the_order_of_dated_rows_makes_no_difference(tmp_path: Path) -> None:
    rows = [f"2026-01-01 00:00:{at / 10:09.6f}Z,iRacing,fuji,x,Race,1,{at},50" for at in range(300)]
    in_order = observed(tmp_path / "a.csv", "\n".join([FEED, *rows]))
    random.Random(1).shuffle(rows)
    assert observed(tmp_path / "b.csv", "\n".join([FEED, *rows])) == in_order


def test_another_mapping_is_another_session(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Time,v,w\n0,1,2\n")
    digests = {digest_of(path, chosen) for chosen in ((), ("speed=v",), ("speed=w",))}
    assert len(digests) == 3
    assert digest_of(path, ["gear=w", "speed=v"]) == digest_of(path, ["speed=v", "gear=w"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    lines=st.lists(st.lists(st.text(max_size=8), max_size=5).map(",".join), max_size=12),
    header=st.sampled_from(["Time,Gear", "Time;Gear;Speed (km/h)", FEED, "SessionTime,Lap,Speed"]),
    packed=st.booleans(),
    cut=st.integers(0, 40),
)
def test_any_text_is_refused_before_its_first_observation_or_read_to_its_end(
    tmp_path: Path, lines: list[str], header: str, packed: bool, cut: int
) -> None:
    content = "\n".join([header, "2026-01-01 00:00:00Z,3", *lines]).encode()
    path = tmp_path / "a.csv"
    path.write_bytes((gzip.compress(content) if packed else content)[: -cut or None])
    items = table.observations(path)
    try:
        first = next(items)
    except SourceError as error:
        assert "a.csv" in str(error)
        return
    assert isinstance(first, Began)
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times == sorted(times)


def test_latitude_and_longitude_are_a_place_on_the_map(tmp_path: Path) -> None:
    content = "Time,Latitude,Longitude,Gear\n0,0,0,1\n1,50,8,1\n2,50.001,8,1\n"
    frames = values(observed(tmp_path / "a.csv", content))
    assert sorted(frames[0]) == ["gear", "world_x", "world_y"]
    assert math.isnan(frames[0]["world_x"])
    assert [frame["world_y"] for frame in frames[1:]] == pytest.approx([0, 111.19], abs=0.01)
