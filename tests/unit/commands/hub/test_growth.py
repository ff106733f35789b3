"""`pitbox doctor` says in words when Postgres has no room left."""

import pytest

from commands.hub.growth import DAY_S, of_growth
from pitbox.postgres.growth import Growth
from pitbox.settings import Retention

GB = 1e9
OFF = Retention()


def grows(gb_a_day: float, stored_gb: float = 1) -> Growth:
    return Growth(stored_gb * GB, gb_a_day * GB / DAY_S, 0.0, "/pg")


@pytest.mark.parametrize(
    ("free_gb", "words"),
    [(21.6, "about 9 days"), (2.0, "about 20 hours"), (5000.0, "about 6 years")],
)
def test_the_time_left_is_in_words(free_gb: float, words: str) -> None:
    found = of_growth(grows(2.4), free_gb * GB, OFF)
    assert f"full in {words} at today's rate: 0.1 GB an hour over the last day" in found.detail
    assert found.well == (free_gb > 5)


def test_less_than_two_days_is_not_well_and_names_the_remedy() -> None:
    found = of_growth(grows(2.4), 2 * GB, OFF)
    assert found.detail.endswith("or limit what is kept: PITBOX_RETENTION__TELEMETRY_BYTES")


def test_without_driving_nothing_grows() -> None:
    found = of_growth(grows(0), 0.0, OFF)
    assert (found.well, found.detail) == (True, "no telemetry was stored in the last day")


def test_a_limit_below_the_room_is_stated_instead() -> None:
    limited = Retention(telemetry_bytes=int(50 * GB))
    found = of_growth(grows(2.4, stored_gb=12), 100 * GB, limited)
    assert found.detail.startswith("retention keeps telemetry below 50.0 GB, now 12.0 GB")
    assert "full in about 4 days" in of_growth(grows(2.4), 10 * GB, limited).detail


def test_a_volume_of_another_machine_has_no_known_room() -> None:
    assert of_growth(grows(2.4), None, OFF).detail.endswith("its volume is on another machine")
