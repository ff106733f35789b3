"""Facts are published drivers in turn, the latest of each place."""

from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.owner import Owner
from pitbox.service.outgoing import Outgoing

ADA: Owner = ("spa", "ada")
EVE: Owner = ("spa", "eve")


def drained(outgoing: Outgoing) -> list[tuple[str, object]]:
    """Publish everything; return driver and fact of each."""
    found = []
    while one := outgoing.next():
        outgoing.published(*one)
        found.append((one[0][1], one[2]))
    return found


def test_a_driver_with_many_sessions_and_facts_delays_no_other() -> None:
    outgoing = Outgoing()
    for session in range(100):
        outgoing.put((str(session), "eve"), {(place,): place for place in range(5)})
    outgoing.put(ADA, {("lap", 1): "first", ("lap", 2): "second"})
    order = [driver for driver, _ in drained(outgoing)]
    assert order[:4] == ["eve", "ada", "eve", "ada"]
    assert len(order) == 502


def test_a_newer_fact_takes_the_place_of_one_that_was_not_published() -> None:
    outgoing = Outgoing()
    outgoing.put(ADA, {("lap", 1): "old"})
    outgoing.put(ADA, {("lap", 1): "new"})
    assert drained(outgoing) == [("ada", "new")]


def test_a_fact_that_was_replaced_while_it_was_published_is_published_again() -> None:
    outgoing = Outgoing()
    outgoing.put(ADA, {("lap", 1): "old"})
    one = outgoing.next()
    assert one
    outgoing.put(ADA, {("lap", 1): "new"})
    outgoing.published(*one)
    assert outgoing.waits(ADA)
    assert drained(outgoing) == [("ada", "new")]
    assert not outgoing.waits(ADA)


def test_above_the_limit_the_driver_with_the_most_facts_loses_them() -> None:
    outgoing = Outgoing(limit=10)
    outgoing.put(ADA, {(place,): place for place in range(3)})
    assert outgoing.put(EVE, {(place,): place for place in range(8)}) == 8
    assert [driver for driver, _ in drained(outgoing)] == ["ada"] * 3


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "publish", "drop"]), st.sampled_from("abc"))
        | st.tuples(st.just("put"), st.sampled_from("abc")),
        max_size=60,
    )
)
def test_no_more_than_the_limit_waits(steps: list[tuple[str, str]]) -> None:
    outgoing, limit = Outgoing(limit=5), 5
    for number, (step, driver) in enumerate(steps):
        if step == "put":
            outgoing.put(("spa", driver), {(number,): number})
        elif step == "drop":
            outgoing.drop(("spa", driver))
        elif one := outgoing.next():
            outgoing.published(*one)
    assert len(drained(outgoing)) <= limit
    assert outgoing.put(ADA, {(place,): place for place in range(5)}) == 0
