"""The race at an instant, from the events that were stored around it."""

from msgspec.structs import replace

from consumers.gateway.past.cars import FRESH_NS, described, newest
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed

OWNER = "spa", "ada"
AT_NS = 1_700_000_000_000_000_000
CARS = CarsSeen(
    at_ns=AT_NS,
    own="7",
    cars=(CarSeen("7", position=2), CarSeen("9"), CarSeen("12", position=1, gap_ms=0)),
    left_out=1,
)
RACE = RaceDescribed(at_ns=AT_NS, entries=(Entry("12", "Bo", "012"),), laps=30)


def test_the_newest_cars_and_race_up_to_an_instant_are_taken_in_any_order() -> None:
    earlier, later = (replace(CARS, at_ns=AT_NS + step) for step in (-10, 10))
    longer = replace(RACE, at_ns=AT_NS - 5, laps=40)
    assert newest([later, CARS, longer, RACE, earlier], AT_NS) == (CARS, RACE)
    assert newest([later, longer, earlier], AT_NS) == (earlier, longer)


def test_cars_of_long_ago_are_not_the_race_at_an_instant() -> None:
    assert newest([CARS], AT_NS + FRESH_NS)[0] == CARS
    assert newest([CARS], AT_NS + FRESH_NS + 1) == (None, None)


def test_cars_stand_in_the_order_of_the_race_those_without_a_place_last() -> None:
    found = described(OWNER, CARS, RACE, own_only=False)
    assert [(one.car, one.driver, one.number, one.own) for one in found.cars] == [
        ("12", "Bo", "012", False),
        ("7", "", "", True),
        ("9", "", "", False),
    ]
    assert (found.laps, found.left_out) == (30, 1)
    assert [one.gap_s for one in found.cars] == [0.0, None, None]


def test_without_the_others_the_own_car_stays_and_an_unknown_race_is_no_error() -> None:
    found = described(OWNER, CARS, None, own_only=True)
    assert [(one.car, one.position) for one in found.cars] == [("7", 2)]
    assert found.laps is None
