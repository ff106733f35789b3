"""Which facts are new, and which replace older ones."""

from typing import Any

from msgspec.structs import replace

from consumers.gateway.live.facts import MAX_SESSIONS, Facts
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


def test_a_repeated_fact_is_not_returned_again() -> None:
    facts = Facts()
    assert facts.update([session(), lap(1), lap(2), lap(1)]) == [session(), lap(1), lap(2)]
    assert facts.of("spa") == [session(), lap(1), lap(2)]
    assert facts.of("monza") == []


def test_a_higher_revision_replaces_a_lap_and_a_lower_one_does_not() -> None:
    facts = Facts()
    facts.update([lap(revision=2, lap_time_s=90.0, frames=120)])
    assert facts.update([lap(revision=1)]) == []
    assert facts.update([lap(revision=3, lap_time_s=89.9)]) == [lap(revision=3, lap_time_s=89.9)]


def test_an_incomplete_lap_never_replaces_a_complete_one() -> None:
    facts = Facts()
    facts.update([lap(revision=2)])
    assert facts.update([lap(revision=9, complete=False)]) == []


def test_laps_of_other_cars_and_drivers_are_kept_apart() -> None:
    facts = Facts()
    told = [lap(), lap(car="8", own=False), lap(driver="bob")]
    assert facts.update(told) == told


def test_only_the_sessions_updated_last_are_kept() -> None:
    facts = Facts()
    for number in range(MAX_SESSIONS + 1):
        facts.update([session(session=f"s{number}")])
    assert facts.of("s0") == []
    assert len(facts.of("s1")) == 1
