"""Every reader refuses a chunk that states more than a car can do, and none that a car can."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from consumers.gateway.live.fanout import Choice, Fanout
from consumers.persister import rows
from consumers.timing.summary import summarise
from pitbox.chunks import frames, plausible
from pitbox.chunks.errors import CorruptChunkError, RefusedChunkError
from pitbox.chunks.plausible import MAX_EVENTS, MAX_LAP_CHANGES, WINDOW_FRAMES
from schemas.sim import Finished
from schemas.telemetry import Chunk
from tests.tools.dear import framed

NAN = float("nan")


def shown(chunk: Chunk) -> object:
    """Read a chunk as the gateway does for a page that watches it."""
    fanout: Fanout[str] = Fanout()
    fanout.choose("page", Choice(chunk.session, frozenset(), (0,)))
    return fanout.frames(chunk, late=False)


READERS: list[Callable[[Chunk], Any]] = [frames.unpack, shown, rows.row, summarise]
FINISHED = Finished(at_ns=1)


def laps(changes: int) -> Callable[[int], float]:
    return lambda frame: float(min(frame, changes))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        (framed(0, {}, frames=4096), "4096 frames, at most 512"),
        (framed(0, {}, frames=65, gap_ns=0), "65 frames within 0 us"),
        (framed(0, {}, frames=2, gap_ns=61_000_000_000), "it spans 61000000 us"),
        (framed(0, {"lap_number": lambda frame: frame % 2}, frames=20), "changes 19 times"),
        (framed(0, {}, frames=1, events=[FINISHED] * 513), "513 events, at most 512"),
        (frames.sealed(replace(framed(0, {}), captured_ns=2**63 - 1)), "beyond any clock"),
    ],
)
def test_more_than_a_car_can_do_is_refused(
    read: Callable[[Chunk], Any], chunk: Chunk, reason: str
) -> None:
    with pytest.raises(RefusedChunkError, match=reason):
        read(chunk)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "chunk",
    [
        framed(0, {}, frames=512),
        framed(0, {}, frames=WINDOW_FRAMES, gap_ns=0),
        framed(0, {}, frames=2, gap_ns=60_000_000_000),
        framed(0, {"lap_number": laps(MAX_LAP_CHANGES)}),
        framed(0, {"lap_number": lambda _: NAN}),
        framed(0, {}, frames=1, events=[FINISHED] * MAX_EVENTS),
    ],
)
def test_as_much_as_the_limits_allow_is_accepted(
    read: Callable[[Chunk], Any], chunk: Chunk
) -> None:
    read(chunk)


def test_frame_times_that_go_back_are_refused() -> None:
    plausible.check_times([0, 5, 5, 9])
    with pytest.raises(RefusedChunkError, match="before that of the frame before"):
        plausible.check_times([0, 5, 4, 9])


@pytest.mark.parametrize(
    ("observed", "count"),
    [(b"", 0), (b"\x93", 3), (b"\xdc\x02\x01", 513), (b"\xdd\x00\x01\x00\x00", 65_536)],
)
def test_events_are_counted_from_the_first_bytes(observed: bytes, count: int) -> None:
    assert plausible.count_events(observed) == count


def test_a_damaged_chunk_is_corrupt_before_it_is_refused() -> None:
    damaged = replace(framed(0, {}, frames=4096), crc=1)
    with pytest.raises(CorruptChunkError) as caught:
        frames.unpack(damaged)
    assert not isinstance(caught.value, RefusedChunkError)
