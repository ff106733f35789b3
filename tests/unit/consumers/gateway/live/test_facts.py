"""Which facts are news to the pages."""

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


def test_a_fact_is_news_once() -> None:
    facts = Facts()
    assert facts.tell([session(), lap(1), lap(2), lap(1)]) == [session(), lap(1), lap(2)]
    assert facts.of("spa") == [session(), lap(1), lap(2)]
    assert facts.of("monza") == []


def test_a_lap_gives_way_to_a_higher_revision_but_not_to_an_older_one() -> None:
    facts = Facts()
    facts.tell([lap(revision=2, lap_time_s=90.0, frames=120)])
    assert facts.tell([lap(revision=1)]) == []
    assert facts.tell([lap(revision=3, lap_time_s=89.9)]) == [lap(revision=3, lap_time_s=89.9)]


def test_a_whole_lap_never_gives_way_to_a_torn_one() -> None:
    facts = Facts()
    facts.tell([lap(revision=2)])
    assert facts.tell([lap(revision=9, complete=False)]) == []


def test_laps_of_other_cars_and_drivers_stand_apart() -> None:
    facts = Facts()
    told = [lap(), lap(car="8", own=False), lap(driver="bob")]
    assert facts.tell(told) == told


def test_only_the_sessions_told_of_last_are_kept() -> None:
    facts = Facts()
    for number in range(MAX_SESSIONS + 1):
        facts.tell([session(session=f"s{number}")])
    assert facts.of("s0") == []
    assert len(facts.of("s1")) == 1
