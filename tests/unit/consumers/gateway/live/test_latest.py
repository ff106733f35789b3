"""Which facts a page that is opened later receives, and which make room."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.latest import ENTRY_BYTES, Bounded, Latest
from consumers.gateway.live.table import Entry
from schemas.base import Event
from schemas.timing import Lap, Session
from tests.tools.toy_fact import ROW, WITH_TOY, shout

SIZE = ENTRY_BYTES + 150
"""More than the bytes of any entry here."""


def lap(number: int, **changes: object) -> Lap:
    whole = {"session": "spa", "driver": "ada", "at_ns": 0, "car": "7", "own": True, "revision": 1}
    return Lap(**{**whole, "lap_number": number, **changes})


def session(name: str = "spa", driver: str = "ada") -> Session:
    return Session(session=name, driver=driver, at_ns=1, source="sim", started_ns=0)


def facts(entries: list[Entry]) -> list[Event]:
    return [entry.fact for entry in entries]


def test_a_repeated_fact_is_not_returned_again() -> None:
    latest = Latest(TABLE)
    assert facts(latest.update([session(), lap(1), lap(2), lap(1)])) == [session(), lap(1), lap(2)]
    assert facts(latest.of("spa")) == [session(), lap(1), lap(2)]
    assert latest.of("monza") == []


def test_facts_that_postgres_lacks_are_held_too() -> None:
    latest = Latest(WITH_TOY)
    latest.update([shout(1), lap(1), shout(2), shout(1, words="newer"), shout(2, at_ns=1)])
    assert facts(latest.of("spa")) == [lap(1), shout(2), shout(1, words="newer")]


def test_old_sessions_read_from_postgres_evict_no_fact_that_is_in_memory_only() -> None:
    latest = Latest(WITH_TOY, max_bytes=10 * SIZE)
    latest.update([shout(1)])
    for number in range(200):
        latest.update([session(f"old{number}")])
    assert facts(latest.of("spa")) == [shout(1)]
    assert latest.of("old0") == []
    assert facts(latest.of("old199")) == [session("old199")]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 20)), max_size=80
    ),
    st.integers(1, 20),
)
def test_the_bound_holds_in_sum_and_the_driver_with_the_most_makes_room(
    made: list[tuple[str, str, int]], room: int
) -> None:
    bounded = Bounded(room * SIZE)
    for driver, name, number in made:
        fact = shout(number, driver=driver, session=name)
        before = held(bounded)
        bounded.put(ROW.entry(fact, ROW.identity(fact)))
        after = held(bounded)
        assert sum(map(size, after)) == bounded.bytes <= room * SIZE
        for lost in {entry.fact.driver for entry in before} - {driver}:
            taken = sum(size(entry) for entry in before if entry.fact.driver == lost)
            kept = sum(size(entry) for entry in after if entry.fact.driver == lost)
            assert kept == taken or taken >= room * SIZE / 3


def test_a_driver_loses_the_oldest_fact_of_the_session_updated_longest_ago() -> None:
    bounded = Bounded(4 * SIZE)
    for number, name in enumerate(("old", "new", "old", "new", "new")):
        fact = shout(number, session=name)
        bounded.put(ROW.entry(fact, ROW.identity(fact)))
    assert facts([*bounded.of("old")]) == [shout(2, session="old")]
    assert len([*bounded.of("new")]) == 3


def held(bounded: Bounded) -> list[Entry]:
    return [entry for name in "xyz" for entry in bounded.of(name)]


def size(entry: Entry) -> int:
    return len(entry.message) + ENTRY_BYTES


def test_facts_of_a_deleted_session_leave_and_free_their_room() -> None:
    latest = Latest(WITH_TOY)
    latest.update([session(), lap(1), shout(1), session("monza"), session(driver="bob")])
    latest.forget("spa", "ada")
    latest.forget("spa", "nobody")
    assert facts(latest.of("spa")) == [session(driver="bob")]
    assert facts(latest.of("monza")) == [session("monza")]
    assert facts(latest.update([lap(1)])) == [lap(1)]


def test_the_count_of_bytes_agrees_after_a_session_was_dropped() -> None:
    part = Bounded(100 * SIZE)
    for fact in (session(), session("monza")):
        part.put(Latest(TABLE).update([fact])[0])
    part.drop("spa", "ada")
    part.drop("monza", "ada")
    assert part.bytes == 0
