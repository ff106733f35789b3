"""The limits of connections, and which connection ends at each."""

from consumers.gateway.web.connections import Connections, Limits

SMALL = Limits(connections=6, connections_of_address=4, waiting=4, waiting_of_address=2)


def added(held: Connections[int], address: str, *connections: int) -> list[int | None]:
    return [held.add(one, address) for one in connections]


def test_an_address_loses_its_oldest_connection_that_waits() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    assert added(held, "a", 1, 2, 3, 4) == [None, None, 1, 2]


def test_a_connection_that_was_answered_and_waits_again_is_the_youngest() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    added(held, "a", 1, 2)
    held.answer(1)
    held.wait(1)
    assert held.add(3, "a") == 2


def test_an_address_at_its_limit_loses_a_connection_that_waits_before_an_answered_one() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    for one in (1, 2, 3, 4):
        held.add(one, "a")
        held.answer(one)
    assert held.add(5, "a") == 5


def test_at_the_limit_in_sum_the_address_with_the_most_loses_one() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    assert added(held, "a", 1, 2) + added(held, "b", 3) + added(held, "c", 4, 5) == [
        *(None, None, None, None),
        1,
    ]


def test_answered_connections_count_towards_the_sum() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    for address, connections in (("a", (1, 2, 3)), ("b", (4, 5, 6))):
        for one in connections:
            held.add(one, address)
            held.answer(one)
    assert held.add(7, "c") == 1


def test_behind_a_proxy_only_the_sums_are_limited() -> None:
    held: Connections[int] = Connections(SMALL, by_address=False)
    assert added(held, "proxy", 1, 2, 3, 4, 5) == [None, None, None, None, 1]


def test_a_connection_that_ended_takes_no_room() -> None:
    held: Connections[int] = Connections(SMALL, by_address=True)
    for one in range(20):
        assert held.add(one, "a") is None
        held.remove(one)
        held.remove(one)
        held.answer(one)
        held.wait(one)
