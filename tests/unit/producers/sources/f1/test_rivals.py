"""Several F1 games send to one port: one is followed, the others are counted and named."""

from collections.abc import Iterator

import pytest

from producers.source import Began, Frame, Observation
from producers.sources import f1
from producers.sources.f1.rivals import SILENT_NS
from tests.tools.f1_game import START_NS, UID, Game

SECOND_NS = 1_000_000_000


def console(
    number: int, rate_hz: float, since_s: float, until_s: float
) -> Iterator[tuple[int, bytes]]:
    """Yield a console's packets and when they arrive."""
    game = Game(player=number, session=UID + number)
    at_s = since_s
    while at_s < until_s:
        for packet in game.instant():
            yield round(START_NS + at_s * SECOND_NS), packet
        game.tick(1 / rate_hz - 1 / 60)
        at_s += 1 / rate_hz


def decode(*consoles: Iterator[tuple[int, bytes]]) -> tuple[list[Observation], dict[str, int]]:
    """Return the observations of all packets in order of arrival, and the counts by game."""
    packets = [packet for one in consoles for packet in one]
    decoder = f1.decoder()
    items: list[Observation] = []
    for at_ns, packet in sorted(packets, key=lambda item: item[0]):
        items += decoder.feed(packet, at_ns)
    items += decoder.close()
    return items, {one.about[-5:]: one.count for one in decoder.left_out.take(0)}


def sessions(items: list[Observation]) -> list[str]:
    return [item.session for item in items if isinstance(item, Began)]


@pytest.mark.parametrize("rates", [(60, 60), (20, 60), (60, 20), (10, 60)])
@pytest.mark.parametrize("others", [1, 2, pytest.param(5, marks=pytest.mark.thorough)])
def test_the_first_game_is_followed_however_many_send(rates: tuple[int, int], others: int) -> None:
    first = console(0, rates[0], 0, 8)
    rivals = [console(n, rates[1], 0.501 + n / 100, 8) for n in range(1, others + 1)]
    items, left_out = decode(first, *rivals)
    assert sessions(items) == [f"f1-{UID:016x}"]
    alone, _ = decode(console(0, rates[0], 0, 8))
    assert [i for i in items if isinstance(i, Frame)] == [i for i in alone if isinstance(i, Frame)]
    assert sorted(left_out) == [f"car {n}" for n in range(1, others + 1)]


def test_another_game_is_followed_from_its_first_held_packet_once_the_first_is_silent() -> None:
    items, left_out = decode(console(0, 60, 0, 3), console(1, 60, 1, 9))
    assert sessions(items) == [f"f1-{UID:016x}", f"f1-{UID + 1:016x}"]
    second = [item for item in items if isinstance(item, Frame)][-1]
    assert second.captured_ns > START_NS + 8 * SECOND_NS
    assert left_out.keys() == {"car 1"}


def test_the_next_session_of_a_game_loses_no_frame() -> None:
    items, left_out = decode(console(0, 60, 0, 2), console(1, 60, 2.02, 6))
    alone, _ = decode(console(1, 60, 2.02, 6))
    began = next(n for n, item in enumerate(items) if sessions([item]) == [f"f1-{UID + 1:016x}"])
    assert items[began:] == alone
    assert left_out == {}


def test_a_session_that_follows_just_before_the_end_is_read_too() -> None:
    items, left_out = decode(console(0, 60, 0, 2), console(1, 60, 2.02, 2.5))
    assert len(sessions(items)) == 2
    assert left_out == {}


def test_packets_held_back_are_bounded() -> None:
    decoder = f1.decoder()
    first, flood = Game(), Game(session=UID + 1)
    for packet in first.drive(2):
        list(decoder.feed(packet, START_NS))
    sent = 0
    while sent < 20_000:
        for packet in flood.instant():
            list(decoder.feed(packet, START_NS + SILENT_NS // 2))
            sent += 1
    assert decoder.left_out.total > 20_000 - 8_193
