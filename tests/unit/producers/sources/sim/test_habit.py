"""What a corner cost against the driver's habit is found by driving it that way."""

from itertools import islice

import pytest
from msgspec.structs import replace

from producers.sources.sim import Mistake, Race, driven_laps
from producers.sources.sim.habit import losses_s, parts_s
from producers.sources.sim.lap import Lap
from producers.sources.sim.laps import Drive

SHORT = Race(track="pebble-lane", consistency=0.8, laps=2)
EARLY = Mistake(2, 4, "brakes-early", 15)


def laps_of(race: Race, count: int) -> list[Lap]:
    """Drive flying laps."""
    return list(islice(Drive(race).laps(), 1, count + 1))


def test_a_driver_without_chance_loses_nothing_against_habit() -> None:
    [lap] = laps_of(replace(SHORT, consistency=1.0), 1)
    assert losses_s(lap) == pytest.approx([0.0] * 5, abs=1e-9)


def test_chance_loses_and_wins_and_loses_more_because_it_cannot_pass_the_limit() -> None:
    lost_s = [loss for lap in laps_of(replace(SHORT, laps=None), 20) for loss in losses_s(lap)]
    assert 0.5 < sum(loss > 0 for loss in lost_s) / len(lost_s) < 0.9
    assert -0.3 < min(lost_s) < -0.05
    assert 0.2 < max(lost_s) < 0.6


def test_a_mistake_is_lost_against_habit_in_its_corner_only() -> None:
    race = replace(SHORT, consistency=1.0, mistakes=(EARLY,))
    *_, lap = laps_of(race, 2)
    (truth,) = list(driven_laps(race, 2))[1].mistakes
    assert losses_s(lap) == pytest.approx([0, 0, 0, truth.cost_s, 0], abs=1e-9)


def test_the_losses_of_a_lap_stand_beside_its_mistakes() -> None:
    race = replace(SHORT, mistakes=(EARLY,))
    laps = laps_of(race, 2)
    assert [lap.lost_s for lap in driven_laps(race, 2)] == [losses_s(lap) for lap in laps]


def test_the_parts_of_a_loss_name_the_mistake_and_the_chance() -> None:
    *_, lap = laps_of(replace(SHORT, mistakes=(EARLY,)), 2)
    (truth,) = list(driven_laps(replace(SHORT, mistakes=(EARLY,)), 2))[1].mistakes
    parts = parts_s(lap, 4)
    assert parts["brakes-early"] == pytest.approx(truth.cost_s)
    assert {"pace", "brakes_early_m", "throttle_late_m", "aside_m"} < parts.keys()
    assert "brakes-early" not in parts_s(lap, 3)
