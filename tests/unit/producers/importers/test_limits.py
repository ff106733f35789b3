import math

from producers.importers.limits import Limits


def test_pedals_are_between_0_and_1_and_other_ratios_are_as_they_are() -> None:
    values = {"throttle": 1.004, "brake": -1e-8, "clutch": math.nan, "lap_fraction": 1.2}
    Limits(values).apply(values)
    assert (values["throttle"], values["brake"], values["lap_fraction"]) == (1, 0, 1.2)
    assert math.isnan(values["clutch"])


def test_a_lap_time_or_position_of_none_is_absent() -> None:
    values = {"last_lap_time": -1.0, "best_lap_time": 0.0, "position": 3.0}
    Limits(values).apply(values)
    assert math.isnan(values["last_lap_time"]) and math.isnan(values["best_lap_time"])
    assert values["position"] == 3


def test_a_place_without_a_fix_is_absent() -> None:
    values = {"latitude": 0.0, "longitude": 0.0}
    Limits(values).apply(values)
    assert all(map(math.isnan, values.values()))
