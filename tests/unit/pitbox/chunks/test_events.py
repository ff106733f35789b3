import msgspec
import pytest

from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.events import known_events
from schemas.sim import CarSeen, CarsSeen, Finished, Rewound

CARS = CarsSeen(at_ns=1, cars=(CarSeen("7"),))
_cars = msgspec.msgpack.Decoder(CarsSeen)


def test_events_of_other_and_of_newer_kinds_are_skipped() -> None:
    newer = {"type": "sim.pit_stop", "at_ns": 3}
    packed = msgspec.msgpack.encode(
        [Finished(at_ns=1), newer, CARS, Rewound(at_ns=2, session_time_s=1.0), CARS]
    )
    assert list(known_events(packed, _cars)) == [CARS, CARS]


def test_a_chunk_without_events_has_none() -> None:
    assert list(known_events(b"", _cars)) == []


def test_bytes_that_are_no_list_of_events_are_damaged() -> None:
    with pytest.raises(CorruptChunkError, match="not a list of events"):
        list(known_events(b"\xc1", _cars))
