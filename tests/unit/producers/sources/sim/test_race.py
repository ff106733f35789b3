"""A race is driven lap after lap as described, and timing finds the same laps."""

import time
from collections.abc import Iterable
from contextlib import aclosing
from itertools import islice, pairwise
from statistics import mean, pstdev

import pytest
from msgspec.msgpack import encode
from msgspec.structs import replace

from consumers.timing.replay import laps
from producers.chunker import Chunker, chunks
from producers.source import Began, Frame, Observation
from producers.sources.sim import Mistake, Race, drive, driven_laps, observations
from producers.sources.sim.car import MODELS
from producers.sources.sim.instruments import LAYOUT
from producers.sources.sim.laps import Drive
from producers.sources.sim.pacing import Pace, stamped, timed
from schemas.sim import Finished, LapReported
from schemas.timing import Lap
from tests.tools.sim_drives import SHORT_AND_LONG, START_NS, driven, row, rows, rows_driven

SHORT = Race(track="pebble-lane", laps=3)
STOPPING = replace(SHORT, laps=6, stint_laps=3, mistakes=(Mistake(2, 4, "off-track", 7),))
USUAL = pytest.param(SHORT.rate_hz, marks=pytest.mark.thorough)
"""The rate of a game; a drive costs half as much at half the rate."""


def reports(items: Iterable[Observation]) -> list[LapReported]:
    """Return the laps that the sim reports."""
    return [o for o in items if isinstance(o, LapReported)]


def folded(items: Iterable[Observation]) -> dict[int, Lap]:
    """Return the laps that timing folds."""
    chunker = Chunker("ada", 1, chunk_ms=50)
    return {lap.lap_number: lap for lap in laps(chunks(items, chunker))}


@pytest.mark.thorough
def test_the_same_race_is_driven_the_same_way_again() -> None:
    race = replace(STOPPING, laps=2, stint_laps=1)
    first, second = list(drive(race, START_NS)), list(drive(race, START_NS))
    assert encode(first) == encode(second)


@pytest.mark.thorough
def test_another_start_moves_times_and_nothing_else() -> None:
    moved = [stamped(o, START_NS + at_ns) for o, at_ns in timed(drive(SHORT, 0))]
    assert encode(moved) == encode(driven(SHORT))


@pytest.mark.parametrize(
    "rate_hz",
    [12, 20, *(pytest.param(often, marks=pytest.mark.thorough) for often in (60, 100))],
)
def test_frames_come_at_an_even_rate_from_the_start_on(rate_hz: int) -> None:
    race = replace(SHORT, laps=1, rate_hz=rate_hz)
    times = [o.captured_ns for o in drive(race, START_NS) if isinstance(o, Frame)]
    assert times == [START_NS + round(n / rate_hz * 1e9) for n in range(len(times))]


def test_a_session_is_described() -> None:
    began = next(iter(drive(Race(car="8"), START_NS)))
    assert isinstance(began, Began)
    opened = began.opened
    assert (opened.source, opened.track, opened.car) == ("sim", "kestrel-vale", "8")
    assert (opened.sectors, opened.at_ns) == (3, START_NS)
    assert opened.track_length_m == pytest.approx(5796, abs=1)


@pytest.mark.parametrize(
    "race",
    [
        replace(SHORT, laps=None, seed=64, skill=0.93),
        pytest.param(Race(), marks=pytest.mark.thorough),
        pytest.param(Race(seed=8, skill=0.95), marks=pytest.mark.thorough),
    ],
    ids=lambda race: f"{race.track}-{race.seed}",
)
def test_laps_without_mistakes_are_within_a_percent_of_one_another(race: Race) -> None:
    times = [lap.lap_time_s for lap in driven_laps(race, 8)]
    assert max(times) / min(times) < 1.01
    assert len(set(times)) == 8


@pytest.mark.parametrize("track", SHORT_AND_LONG)
def test_better_drivers_are_faster_and_seeds_make_drives_differ(track: str) -> None:
    def lap_s(**race: float) -> float:
        (lap,) = driven_laps(Race(track=track, **race), 1)  # type: ignore[arg-type]
        return lap.lap_time_s

    assert lap_s(skill=1.0, consistency=1.0) < lap_s(skill=0.97) < lap_s(skill=0.93)
    assert lap_s(seed=1) != lap_s(seed=2)


def test_models_differ_and_are_named_in_the_session() -> None:
    times = {}
    for model in MODELS:
        race = replace(SHORT, laps=1, car_model=model)
        (lap,) = driven_laps(race, 1)
        times[model] = lap.lap_time_s
        began = next(iter(drive(race, 0)))
        assert isinstance(began, Began)
        assert began.opened.car_model == model
    assert times["Merlin F3"] < times["Harrier GT3"] < times["Wren Cup"]


def test_fuel_per_lap_varies_as_asked() -> None:
    def used_l(fuel_spread: float) -> list[float]:
        laps = Drive(replace(SHORT, fuel_spread=fuel_spread, laps=None)).laps()
        masses = [lap.task.mass_kg for lap in islice(laps, 1, 10)]
        return [(a - b) / 0.75 for a, b in pairwise(masses)]

    assert pstdev(used_l(0.0)) / mean(used_l(0.0)) < 0.02
    assert 0.02 < pstdev(used_l(0.05)) / mean(used_l(0.05)) < 0.1
    assert mean(used_l(0.05)) == pytest.approx(mean(used_l(0.0)), rel=0.06)


@pytest.mark.thorough
def test_worn_tyres_cost_more_than_lighter_tanks_gain() -> None:
    times = [lap.lap_time_s for lap in driven_laps(Race(consistency=1.0), 14)]
    assert times[12] > times[2]


@pytest.mark.thorough
def test_timing_finds_the_laps_that_the_sim_drove() -> None:
    found = folded(driven(STOPPING))
    for lap in driven_laps(STOPPING, 6):
        timed_lap = found[lap.lap_number]
        assert timed_lap.lap_time_s == lap.lap_time_s
        assert timed_lap.sectors_s == lap.sectors_s
        assert sum(lap.sectors_s) == pytest.approx(lap.lap_time_s)
        assert timed_lap.complete
    assert [n for n, lap in found.items() if lap.valid] == [1, 5]
    assert [n for n, lap in found.items() if lap.in_lap] == [3, 6]
    assert [n for n, lap in found.items() if lap.out_lap] == [4, 7]


@pytest.mark.thorough
def test_timing_finds_the_same_laps_by_the_line_alone() -> None:
    items = [o for o in driven(STOPPING) if not isinstance(o, LapReported | Finished)]
    clock = LAYOUT.names.index("last_lap_time")
    for number, observation in enumerate(items):
        if isinstance(observation, Frame):
            values = list(observation.values)
            values[clock] = float("nan")
            items[number] = Frame(observation.captured_ns, values)
    found = folded(items)
    for lap in driven_laps(STOPPING, 6):
        timed_lap = found[lap.lap_number]
        assert timed_lap.timed_by == "crossing"
        assert timed_lap.lap_time_s == pytest.approx(lap.lap_time_s, abs=0.003)
        assert timed_lap.sectors_s == pytest.approx(lap.sectors_s, abs=0.035)
    assert [n for n, lap in found.items() if lap.valid] == [1, 5]


@pytest.mark.parametrize("rate_hz", [30, USUAL])
def test_a_lap_is_reported_a_little_after_the_line(rate_hz: float) -> None:
    items = driven(replace(SHORT, rate_hz=rate_hz))
    places = [place for place, item in enumerate(items) if isinstance(item, LapReported)]
    assert len(places) == 3
    for place in places:
        report = items[place]
        before = row(next(o for o in reversed(items[:place]) if isinstance(o, Frame)))
        after = row(next(o for o in items[place:] if isinstance(o, Frame)))
        assert before["lap_number"] == after["lap_number"] == report.lap_number + 1
        assert 0.2 < after["lap_time"] < 0.5
        assert after["last_lap_time"] == report.lap_time_s != before["last_lap_time"]


@pytest.mark.thorough
def test_the_delta_ends_at_the_time_lost_on_the_lap() -> None:
    race = replace(SHORT, mistakes=(Mistake(3, 4, "late-throttle", 30),))
    last = [frame for frame in rows_driven(race) if frame["lap_number"] == 3][-1]
    times = {report.lap_number: report.lap_time_s for report in reports(driven(race))}
    assert last["lap_delta_best"] == pytest.approx(times[3] - min(times[1], times[2]), abs=0.05)


@pytest.mark.parametrize("rate_hz", [30, USUAL])
def test_a_race_ends_after_its_laps_and_rolls_out(rate_hz: float) -> None:
    items = driven(replace(SHORT, rate_hz=rate_hz))
    assert [report.lap_number for report in reports(items)] == [1, 2, 3]
    (finished,) = (o for o in items if isinstance(o, Finished))
    assert rows(items[items.index(finished) :])
    assert rows(items)[-1]["lap_number"] == 4


@pytest.mark.thorough
def test_a_finished_lap_appears_within_three_quarters_of_a_minute_on_the_short_track() -> None:
    for seed in (8, 27, 64):
        race = replace(SHORT, seed=seed, skill=0.93)
        first = next(o for o in drive(race, 0) if isinstance(o, LapReported))
        assert first.at_ns < 45e9


@pytest.mark.thorough
def test_a_stop_obeys_the_limit_stands_fills_up_and_changes_tyres() -> None:
    items = rows_driven(STOPPING)
    lane = [row for row in items if row["in_pit_lane"]]
    assert max(row["speed"] for row in lane) <= 60 / 3.6 + 0.01
    standing = [row for row in lane if row["speed"] == 0 and row["lap_number"] == 3]
    assert 8.9 < standing[-1]["session_time"] - standing[0]["session_time"] < 9.1
    assert standing[-1]["lap_distance"] == standing[0]["lap_distance"]
    assert standing[-1]["fuel_level"] > standing[0]["fuel_level"] + 2
    worn = [row for row in items if row["lap_number"] == 3 and not row["in_pit_lane"]][-1]
    fresh = next(row for row in items if row["lap_number"] == 4 and not row["in_pit_lane"])
    assert fresh["tyre_wear_fl"] < worn["tyre_wear_fl"] / 4
    assert fresh["fuel_level"] > worn["fuel_level"]
    aside_m = [row["world_y"] for row in standing]
    assert aside_m[0] == pytest.approx(-12, abs=0.5)


@pytest.mark.thorough
def test_an_endless_drive_stops_before_the_tank_is_empty() -> None:
    race = replace(SHORT, laps=None, fuel_l=6)
    left_l, stops = [], 0
    for lap in islice(Drive(race).laps(), 40):
        left_l.append((lap.task.mass_kg - 1360) / 0.75)
        stops += lap.task.enters_pit
    assert min(left_l) > 1
    assert 5 < stops < 12


@pytest.mark.parametrize("start", ["rolling", "grid", "pits"])
@pytest.mark.parametrize("rate_hz", [20, USUAL])
def test_lap_0_leads_to_the_line_whatever_the_start(start: str, rate_hz: float) -> None:
    race = replace(SHORT, laps=1, start=start, rate_hz=rate_hz)
    items = rows_driven(race)
    assert items[0]["lap_number"] == 0
    assert (items[0]["speed"] > 40) == (start == "rolling")
    assert (items[0]["in_pit_lane"] == 1) == (start == "pits")
    changes = [right for left, right in pairwise(items) if right["lap_number"] > left["lap_number"]]
    assert [row["lap_number"] for row in changes] == [1, 2]
    assert changes[0]["session_time"] < 12


def test_a_grid_slot_further_back_starts_further_back() -> None:
    first, fifth = (
        rows(islice(drive(replace(SHORT, start="grid", grid_slot=n), 0), 2))[0] for n in (1, 5)
    )
    assert first["lap_distance"] - fifth["lap_distance"] == pytest.approx(32, abs=2.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"track": "monza"}, "track monza is unknown"),
        ({"skill": 1.5}, "skill 1.5"),
        ({"laps": 0}, "laps 0"),
        ({"rate_hz": float("nan")}, "rate_hz nan"),
        ({"fuel_l": 1.0}, "fuel_l 1"),
        ({"fuel_spread": 0.2}, "fuel_spread 0.2"),
        ({"car_model": "Tractor"}, "choose one of Harrier GT3, Merlin F3, Wren Cup"),
        ({"start_lap_fraction": 1.0}, "start_lap_fraction 1"),
    ],
)
def test_a_race_that_cannot_be_driven_is_rejected_by_name(
    changes: dict[str, object], message: str
) -> None:
    race = replace(Race(), **changes)
    with pytest.raises(ValueError, match=message):
        drive(race, 0)
    with pytest.raises(ValueError, match=message):
        observations(race)


def test_due_times_follow_driven_times_without_drift() -> None:
    pace = Pace(1000, speed=2)
    assert [pace.due_ns(n * 100, now_ns=0) for n in range(4)] == [1000, 1050, 1100, 1150]
    late_by = 40_000_000
    assert pace.due_ns(400, now_ns=1200 + late_by) == 1200


def test_a_drive_that_was_stopped_goes_on_with_a_short_burst() -> None:
    pace = Pace(0, speed=1)
    frame_ns, stopped_ns = 16_000_000, 60_000_000_000
    due = [pace.due_ns(n * frame_ns, now_ns=stopped_ns) for n in range(100)]
    late = [at_ns for at_ns in due if at_ns < stopped_ns]
    assert 10 <= len(late) <= 20
    assert [right - left for left, right in pairwise(due)] == [frame_ns] * 99


async def test_real_time_stamps_frames_when_they_are_due() -> None:
    race, times = replace(SHORT, laps=1, rate_hz=30), []
    before_ns = time.time_ns()
    async with aclosing(observations(race, speed=20)) as items:  # type: ignore[type-var]
        async for observation in items:
            if isinstance(observation, Frame):
                times.append(observation.captured_ns)
            if len(times) == 100:
                break
    assert times[0] >= before_ns
    assert times[-1] <= time.time_ns()
    gaps = {right - left for left, right in pairwise(times)}
    assert max(gaps) - min(gaps) <= 2 or max(gaps) > 250_000_000
