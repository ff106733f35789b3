"""`pitbox laps --file` on every recording there is, in this process."""

import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from commands.cli import main

Laps = list[dict[str, Any]]


class Done(NamedTuple):
    """The exit code of a command and its two outputs."""

    code: object
    out: str
    err: str


@cache
def run(*arguments: str) -> Done:
    """Run the command."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(["laps", *arguments])
    return Done(ended.value.code, out.getvalue(), err.getvalue())


def laps(folder: Path, name: str, *more: str) -> Laps:
    """Return the laps that the command lists for a recording; skips if the file is absent."""
    if not (folder / name).exists():
        pytest.skip(f"needs the recording {name} in PITBOX_DATA")
    done = run("--file", str(folder / name), "--json", *more)
    assert (done.code, done.err) == (0, "")
    found: Laps = json.loads(done.out)
    return found


def times(found: Laps, *, own: bool = True) -> dict[int, float]:
    """Return the lap times, to the ms, by number."""
    return {lap["lap_number"]: round(lap["lap_time_s"], 3) for lap in found if lap["own"] is own}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iracing/langley_sk-modified_laps-15.187-15.099.ibt", {174: 15.187, 175: 15.099}),
        ("iracing/langley_sk-modified_long.ibt", {184: 15.196, 185: 15.277}),
        ("iracing/red-bull-ring_w13_2024-build_6.5s.ibt", {}),
        ("gt7/gt7_packet-a_lap-1m39.036.pcap.gz", {1: 99.036}),
        ("gt7/gt7_packet-c_lap-1m55.244.pcap.gz", {1: 115.244}),
        ("assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz", {1: 344.684}),
    ],
)
def test_the_laps_of_a_recording_match_those_the_game_counted(
    data_dir: Path, name: str, expected: dict[int, float]
) -> None:
    assert times(laps(data_dir, name)) == expected


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("iracing/langley_sk-modified_laps-15.187-15.099.ibt", [174, 175]),
        ("iracing/langley_sk-modified_long.ibt", [184, 185]),
        ("gt7/gt7_packet-a_lap-1m39.036.pcap.gz", [1]),
        ("gt7/gt7_packet-c_lap-1m55.244.pcap.gz", [1]),
        ("assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz", []),
    ],
)
def test_only_complete_laps_outside_the_pits_are_listed(
    data_dir: Path, name: str, valid: list[int]
) -> None:
    assert [lap["lap_number"] for lap in laps(data_dir, name) if lap["valid"]] == valid


def test_a_time_trial_has_the_best_lap_of_its_session_with_its_sectors(data_dir: Path) -> None:
    found = laps(data_dir, "f1/f1-25_format2025_time-trial_catalunya.pcap.gz")
    best = min((lap for lap in found if lap["own"]), key=lambda lap: float(lap["lap_time_s"]))
    assert best["lap_time_s"] == pytest.approx(74.142, abs=5e-4)
    assert best["sectors_s"] == pytest.approx([21.948, 30.210, 21.984], abs=5e-4)
    assert best["valid"]


def test_a_race_of_21_s_has_the_first_laps_of_the_others_and_none_of_its_own(
    data_dir: Path,
) -> None:
    found = laps(data_dir, "f1/f1-25_format2026_race_melbourne.pcap.gz")
    assert not times(found)
    first = [round(lap["lap_time_s"], 3) for lap in found if lap["lap_number"] == 1]
    assert (min(first), max(first)) == (85.636, 99.558)
    assert len({lap["car"] for lap in found}) == len(first)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("f1/f1-25_format2025_time-trial_catalunya.pcap.gz", "· Catalunya · Ferrari · car 0"),
        ("gt7/gt7_packet-a_lap-1m39.036.pcap.gz", "· McLaren VGT"),
        (
            "iracing/langley_sk-modified_long.ibt",
            "· Langley Speedway · Modified - SK · car 82",
        ),
    ],
)
def test_the_table_names_track_and_car_as_people_know_them(
    data_dir: Path, name: str, title: str
) -> None:
    if not (data_dir / name).exists():
        pytest.skip(f"needs the recording {name} in PITBOX_DATA")
    first = run("--file", str(data_dir / name)).out.splitlines()[0]
    assert first.endswith(title)


def test_laps_without_a_time_are_listed_on_request(data_dir: Path) -> None:
    name = "iracing/langley_sk-modified_laps-15.187-15.099.ibt"
    found = {lap["lap_number"]: lap for lap in laps(data_dir, name, "--all")}
    assert sorted(found) == [173, 174, 175, 176]
    assert [found[number]["lap_time_s"] for number in (173, 176)] == [None, None]
    assert [found[number]["complete"] for number in (173, 176)] == [False, True]


def test_the_default_output_is_a_table(data_dir: Path) -> None:
    path = data_dir / "iracing/langley_sk-modified_laps-15.187-15.099.ibt"
    if not path.exists():
        pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
    done = run("--file", str(path))
    assert done.code == 0
    assert "0:15.187" in done.out and "0:15.099" in done.out
    assert "2 more" in done.out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("iracing/bad_invalid.ibt", "not an iRacing telemetry file"),
        ("iracing/bad_live-memory-dump.ibt", "live memory"),
        ("gt7/bad_truncated.gtz", "damaged, or cut short"),
        ("dirt/dirt-rally_udp_stage.pcap.gz", "none of the 2627 datagrams"),
        ("README.md", "its kind is unknown"),
        ("iracing/absent.ibt", "cannot read"),
        ("iracing", "is a folder"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_in_one_sentence(
    data_dir: Path, name: str, message: str
) -> None:
    if not (data_dir / name).exists() and "absent" not in name:
        pytest.skip(f"needs the recording {name} in PITBOX_DATA")
    done = run("--file", str(data_dir / name), "--json")
    assert (done.code, done.out) == (2, "")
    [line] = done.err.splitlines()
    assert line.startswith("pitbox: ") and message in line


def test_a_recording_or_a_session_must_be_named() -> None:
    done = run()
    assert (done.code, done.out) == (2, "")
    assert "--file" in done.err
