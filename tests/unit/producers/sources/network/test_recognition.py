import struct

from producers.source import Began, Frame
from producers.sources.gt7.packet import encrypt
from producers.sources.network.recognition import GAMES, Recogniser, decoders
from tests.tools.f1_game import Game

SECOND_NS = 1_000_000_000


def gt7(number: int) -> bytes:
    plain = bytearray(296)
    plain[:4] = b"0S7G"
    struct.pack_into("<4f", plain, 0x1C, 0, 0, 0, 1)
    struct.pack_into("<ihhii", plain, 0x70, number, 1, 0, -1, -1)
    struct.pack_into("<H", plain, 0x8E, 1)
    return encrypt(bytes(plain), seed=number)


def assetto(lap_ms: int) -> bytes:
    plain = bytearray(struct.pack("<c3xi", b"a", 328).ljust(328, b"\0"))
    struct.pack_into("<i", plain, 40, lap_ms)
    return bytes(plain)


def dirt_rally(seconds: float) -> bytes:
    return struct.pack("<66f", *[seconds] * 66)


def test_every_game_has_a_decoder_with_its_name() -> None:
    assert [decoder.name for decoder in decoders()] == list(GAMES)


def test_a_datagram_is_recognised_by_one_decoder_only() -> None:
    f1 = Game(2025).instant()[0]
    for datagram, name in ((f1, "f1"), (gt7(1), "gt7"), (assetto(1), "assetto")):
        assert [d.name for d in decoders() if d.recognises(datagram)] == [name]


def test_a_datagram_of_an_unsupported_game_is_counted_as_unknown() -> None:
    assert not any(decoder.recognises(dirt_rally(1.5)) for decoder in decoders())
    recogniser = Recogniser()
    assert list(recogniser.feed(dirt_rally(1.5), 0)) == []
    assert recogniser.unknown == 1


def test_only_the_first_game_to_begin_is_followed() -> None:
    recogniser = Recogniser()
    items = list(recogniser.feed(gt7(1), 0))
    items += recogniser.feed(assetto(1), SECOND_NS)
    items += recogniser.feed(gt7(2), 2 * SECOND_NS)
    assert [type(item) for item in items] == [Began, Frame, Frame]


def test_another_game_takes_over_after_silence_and_the_first_begins_anew() -> None:
    recogniser = Recogniser()
    items = list(recogniser.feed(gt7(1), 0))
    items += recogniser.feed(assetto(1), 3 * SECOND_NS)
    items += recogniser.feed(assetto(2), 4 * SECOND_NS)
    items += recogniser.feed(gt7(2), 30 * SECOND_NS)
    sources = [item.opened.source for item in items if isinstance(item, Began)]
    assert sources == ["gt7", "assetto", "gt7"]


def test_a_game_that_was_overtaken_before_it_began_does_not_begin_in_silence() -> None:
    recogniser = Recogniser()
    list(recogniser.feed(gt7(1), 0))
    assert list(recogniser.feed(assetto(1), SECOND_NS)) == []
    items = list(recogniser.feed(assetto(2), 20 * SECOND_NS))
    assert [type(item) for item in items] == [Began, Frame]


def test_only_the_given_games_are_followed() -> None:
    assert list(Recogniser(("assetto",)).feed(gt7(1), 0)) == []


def test_of_two_consoles_of_one_game_the_first_is_followed_until_it_is_silent() -> None:
    recogniser = Recogniser()
    items = []
    for number in range(1, 40):
        at_ns = number * SECOND_NS // 10
        items += recogniser.feed(gt7(number), at_ns, "10.0.0.1")
        items += recogniser.feed(gt7(7000 + number), at_ns, "10.0.0.2")
    assert [type(item) for item in items] == [Began, *[Frame] * 39]
    [left_out] = recogniser.left_out(0)
    assert (left_out.reason, left_out.count) == ("other_game", 39)
    assert left_out.about == "Gran Turismo 7"
    items = list(recogniser.feed(gt7(7100), 20 * SECOND_NS, "10.0.0.2"))
    assert [type(item) for item in items] == [Began, Frame]
    assert list(recogniser.feed(gt7(100), 20 * SECOND_NS, "10.0.0.1")) == []


def test_counts_survive_a_change_of_the_followed_game() -> None:
    recogniser = Recogniser()
    list(recogniser.feed(gt7(1), 0))
    list(recogniser.feed(gt7(1), 1))
    list(recogniser.feed(assetto(1), 30 * SECOND_NS))
    assert [(one.reason, one.count) for one in recogniser.left_out(0)] == [("late", 1)]
    assert list(recogniser.left_out(0)) == []
