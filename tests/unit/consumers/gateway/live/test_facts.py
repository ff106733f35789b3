"""Which laps and sessions are new, and which replace older ones."""

from typing import Any

from msgspec.structs import replace

from consumers.gateway.live.facts import TABLE, replaces_lap
from consumers.gateway.live.latest import Latest
from schemas.timing import Lap, Session


def lap(number: int = 1, **changes: Any) -> Lap:
    first = Lap(
        session="spa",
        driver="ada",
        at_ns=0,
        car="7",
        own=True,
        lap_number=number,
        revision=1,
        frames=100,
        ended_ns=5,
    )
    return replace(first, **changes)


def session(**changes: Any) -> Session:
    return replace(
        Session(session="spa", driver="ada", at_ns=1, source="sim", started_ns=0), **changes
    )


def test_a_higher_revision_replaces_a_lap_and_a_lower_one_does_not() -> None:
    known = lap(revision=2, lap_time_s=90.0, frames=120)
    assert not replaces_lap(lap(revision=1), known)
    assert replaces_lap(lap(revision=3, lap_time_s=89.9), known)


def test_a_lap_of_the_same_revision_replaces_one_that_rests_on_fewer_frames() -> None:
    assert replaces_lap(lap(frames=120), lap(frames=100))
    assert not replaces_lap(lap(frames=80), lap(frames=100))


def test_an_older_session_replaces_no_newer_one() -> None:
    latest = Latest(TABLE)
    latest.update([session(at_ns=2, track="Spa")])
    assert latest.update([session(at_ns=1)]) == []
    assert [entry.fact for entry in latest.of("spa")] == [session(at_ns=2, track="Spa")]


def test_laps_of_other_cars_and_drivers_are_kept_apart() -> None:
    latest = Latest(TABLE)
    published = [lap(), lap(car="8", own=False), lap(driver="bob")]
    assert [entry.fact for entry in latest.update(published)] == published


def test_a_lap_of_another_car_may_concern_another_driver() -> None:
    entries = Latest(TABLE).update([session(), lap(), lap(car="8", own=False)])
    assert [entry.shows_others for entry in entries] == [False, False, True]
