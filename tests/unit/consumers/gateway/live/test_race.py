"""Which client receives which cars of a race."""

import msgspec
import pytest
from msgspec.structs import replace

from consumers.gateway.live.fanout import Choice, Fanout
from pitbox.chunks.errors import CorruptChunkError
from schemas.sim import CarSeen, CarsSeen, Entry, Finished, Observed, RaceDescribed
from schemas.telemetry import Chunk
from schemas.wall import Cars, Entries, ToPage
from tests.tools import hub

SEEN = CarsSeen(at_ns=2_500_000, own="7", cars=(CarSeen("12", position=1), CarSeen("7", 3)))
RACE = RaceDescribed(at_ns=1, entries=(Entry("7", "Ada"), Entry("12", "Zed")))
OPEN = Choice("test", frozenset(), ())
HIDES = Choice("test", frozenset(), (), hidden=frozenset({"zed"}))

decode = msgspec.msgpack.Decoder(ToPage).decode


def chunk(*events: Observed) -> Chunk:
    return hub.chunk(0, observed=hub.observed(*events))


def received(choice: Choice, sent: Chunk) -> list[Cars | Entries]:
    """Return the messages of a client among others."""
    fanout = Fanout[str]()
    fanout.choose("it", choice)
    fanout.choose("elsewhere", Choice("other", frozenset(), ()))
    messages = fanout.cars(sent)
    assert all(clients == ["it"] for _, clients in messages)
    return [decode(message) for message, _ in messages]


def test_a_watcher_receives_cars_and_entries_of_a_chunk_in_their_order() -> None:
    assert received(OPEN, chunk(RACE, Finished(at_ns=1), SEEN)) == [
        Entries(session="test", driver="ada", entries=RACE.entries),
        Cars(session="test", driver="ada", at_ms=2.5, own="7", cars=SEEN.cars),
    ]


def test_a_client_from_which_a_driver_is_hidden_receives_the_own_car_only() -> None:
    assert received(HIDES, chunk(RACE, SEEN)) == [
        Cars(session="test", driver="ada", at_ms=2.5, own="7", cars=(CarSeen("7", 3),))
    ]


def test_clients_who_see_the_same_share_a_message() -> None:
    fanout = Fanout[str]()
    for client, choice in (("a", OPEN), ("b", HIDES), ("c", OPEN)):
        fanout.choose(client, choice)
    assert [clients for _, clients in fanout.cars(chunk(SEEN))] == [["a", "c"], ["b"]]


def test_a_chunk_without_cars_or_without_watchers_makes_no_message() -> None:
    assert received(OPEN, chunk()) == received(OPEN, hub.chunk(0)) == []
    assert received(Choice("other", frozenset(), ()), replace(chunk(SEEN), session="third")) == []


def test_damaged_events_are_an_error_of_the_chunk() -> None:
    """A text that is no UTF-8 decodes on no reader."""
    damaged = hub.observed(SEEN).replace(b"12", b"\xff\xfe")
    with pytest.raises(CorruptChunkError):
        received(OPEN, replace(chunk(SEEN), observed=damaged))
