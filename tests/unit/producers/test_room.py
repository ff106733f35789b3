"""No observations make a chunk that its readers refuse."""

from collections.abc import Sequence
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.frames import unpack
from pitbox.chunks.plausible import MAX_EVENTS, MAX_FRAMES, MAX_LAP_CHANGES, WINDOW_FRAMES
from producers.chunker import Chunker, chunks
from producers.source import Began, Frame, Observation
from schemas.channels import ids
from schemas.sim import Finished, SessionOpened
from schemas.telemetry import Chunk

NAN = float("nan")
START_NS = 1_700_000_000_000_000_000
BEGAN = Began("spa", ids("lap_number"), SessionOpened(at_ns=START_NS, source="sim"))


def driven(gaps_ns: Sequence[int], lap_numbers: Sequence[float]) -> list[Frame]:
    times = accumulate(gaps_ns, initial=START_NS)
    return [Frame(at_ns, (number,)) for at_ns, number in zip(times, lap_numbers, strict=False)]


def cut(items: Sequence[Observation], chunk_ms: int = 2000) -> list[Chunk]:
    return list(chunks([BEGAN, *items], Chunker("ada", 1, chunk_ms=chunk_ms)))


@given(
    st.lists(st.sampled_from([0, 1, 999, 999_999, 1_000_000, 2_000_001]), min_size=300),
    st.lists(st.sampled_from([1.0, 2.0, NAN]), min_size=300),
    st.integers(10, 2000),
)
def test_every_frame_is_in_a_chunk_that_readers_accept(
    gaps_ns: list[int], lap_numbers: list[float], chunk_ms: int
) -> None:
    frames = driven(gaps_ns, lap_numbers)
    made = cut(frames, chunk_ms)
    assert sum(len(unpack(chunk).times_ns) for chunk in made) == len(frames)


def test_frames_that_arrive_at_once_fill_chunks_one_after_the_other() -> None:
    made = cut(driven([0] * 999, [1.0] * 1000))
    assert {chunk.frames for chunk in made[:-1]} == {WINDOW_FRAMES}
    assert sum(chunk.frames for chunk in made) == 1000


def test_a_flickering_lap_number_fills_chunks() -> None:
    made = cut(driven([16_000_000] * 90, [float(frame % 2) for frame in range(90)]))
    assert {chunk.frames for chunk in made[:-1]} == {MAX_LAP_CHANGES + 1}


def test_a_chunk_has_no_more_frames_and_events_than_readers_accept() -> None:
    events = [Finished(at_ns=START_NS)] * 2000
    made = cut([*driven([1_000_001] * 1999, [1.0] * 2000), *events])
    assert max(chunk.frames for chunk in made) <= MAX_FRAMES
    assert sum(len(unpack(chunk).times_ns) for chunk in made) == 2000
    assert sum(bool(chunk.observed) for chunk in made) >= 2000 / MAX_EVENTS
