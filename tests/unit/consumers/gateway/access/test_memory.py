"""The memory of visitors: per visitor, in sum, and who loses it."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.access.memory import Hold, Memory

ended: list[str] = []


def hold(memory: Memory, visitor: str) -> Hold:
    return Hold(memory, visitor, lambda: ended.append(visitor))


def test_a_visitor_has_one_limit_over_all_holds() -> None:
    memory = Memory(of_visitor=100, in_total=1000)
    first, second = hold(memory, "ann"), hold(memory, "ann")
    assert first.resize(60)
    assert not second.resize(41)
    assert second.resize(40)
    first.release()
    assert second.resize(100)
    assert memory.taken_bytes == 100


def test_at_the_limit_in_sum_the_greediest_visitor_loses_the_largest_hold() -> None:
    ended.clear()
    memory = Memory(of_visitor=100, in_total=150)
    small, large = hold(memory, "eve"), hold(memory, "eve")
    assert small.resize(30)
    assert large.resize(60)
    assert hold(memory, "bob").resize(50)
    assert hold(memory, "ann").resize(60)
    assert ended == ["eve"]
    assert (small.bytes, large.bytes) == (30, 0)
    assert not large.resize(1), "an evicted hold takes nothing any more"


def test_the_greediest_visitor_itself_gets_no_more_at_the_limit_in_sum() -> None:
    ended.clear()
    memory = Memory(of_visitor=100, in_total=150)
    assert hold(memory, "bob").resize(70)
    assert hold(memory, "ann").resize(80)
    assert not hold(memory, "ann").resize(1)
    assert not hold(memory, "bob").resize(11)
    assert ended == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 120)), max_size=60))
def test_the_limits_hold_whatever_visitors_do(changes: list[tuple[int, int]]) -> None:
    memory = Memory(of_visitor=100, in_total=150)
    holds = [hold(memory, "abc"[number % 3]) for number in range(6)]
    for number, size in changes:
        holds[number].resize(size)
        assert memory.taken_bytes == sum(one.bytes for one in holds) <= 150
        for visitor in "abc":
            assert sum(one.bytes for one in holds if one.visitor == visitor) <= 100
    for one in holds:
        one.release()
    assert memory.taken_bytes == 0
