"""Real recordings give the same laps however their chunks are cut, ordered or repeated."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from consumers.timing import replay
from consumers.timing.decide import decide, facts_of
from consumers.timing.own import Own
from consumers.timing.state import add, initial
from consumers.timing.stretches import extend
from producers.chunker import Chunker, chunks
from producers.importers.recording import open_recording
from producers.source import Frame, Observation
from schemas.telemetry import Chunk
from schemas.timing import Lap

RECORDINGS = (
    "iracing/langley_sk-modified_long.ibt",
    "gt7/gt7_packet-a_lap-1m39.036.pcap.gz",
    "assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz",
    "f1/f1-25_format2025_time-trial_catalunya.pcap.gz",
    "f1/f1-25_format2026_race_melbourne.pcap.gz",
)


@pytest.fixture(scope="module", params=RECORDINGS)
def observations(request: pytest.FixtureRequest, data_dir: Path) -> list[Observation]:
    path = data_dir / request.param
    if not path.exists():
        pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
    return [_to_the_us(item) for item in open_recording(path)]


def _to_the_us(item: Observation) -> Observation:
    """Return a frame with its time rounded to the µs that a chunk stores."""
    if isinstance(item, Frame):
        return replace(item, captured_ns=item.captured_ns // 1000 * 1000)
    return item


def cut(observations: Iterable[Observation], chunk_ms: int) -> list[Chunk]:
    """Return the chunks of a recording."""
    return list(chunks(observations, Chunker("ada", 1, chunk_ms=chunk_ms, session="test")))


def test_chunks_of_one_frame_and_of_fifty_make_the_same_laps(
    observations: list[Observation],
) -> None:
    single, many = cut(observations, 1), cut(observations, 850)
    assert max(chunk.frames for chunk in single) == 1
    assert max(chunk.frames for chunk in many) >= 45
    assert replay.laps(single) == replay.laps(many) != []


def test_shuffled_and_repeated_chunks_make_the_same_laps(observations: list[Observation]) -> None:
    ordered = cut(observations, 500)
    shuffled = ordered + ordered[::3]
    random.Random(1).shuffle(shuffled)
    assert replay.laps(shuffled) == replay.laps(ordered)


def test_chunks_summed_up_together_make_the_same_state(observations: list[Observation]) -> None:
    ordered, state, single = cut(observations, 50), initial(), initial()
    for first in range(0, len(ordered), 500):
        state = extend(state, ordered[first : first + 500])
    for chunk in ordered:
        single = add(single, chunk, later=True)
    assert repr(state.runs) == repr(single.runs)


def test_facts_derived_chunk_by_chunk_are_those_derived_at_once(
    observations: list[Observation],
) -> None:
    ordered = cut(observations, 300)
    held = [chunk for chunk in ordered if chunk.chunk % 40 == 30]
    state = initial()
    for chunk in [*(chunk for chunk in ordered if chunk not in held), *held]:
        state, _ = decide(state, chunk)
        anew = replace(state, own=Own(), others={}, fresh={})
        if chunk.chunk % 20 == 0:
            assert list(map(repr, facts_of(state))) == list(map(repr, facts_of(anew)))
    assert list(map(repr, facts_of(state))) == list(map(repr, facts_of(anew)))


def test_filled_holes_do_not_change_the_laps(observations: list[Observation]) -> None:
    ordered = cut(observations, 300)
    late = [chunk for chunk in ordered if chunk.chunk % 40 in range(30, 36)]
    early = [chunk for chunk in ordered if chunk not in late]
    assert _final([*early, *late]) == {place: steady(lap) for place, lap in _by_place(ordered)}


def test_a_hole_that_stays_makes_laps_incomplete_and_changes_no_time(
    observations: list[Observation],
) -> None:
    ordered = cut(observations, 300)
    silent = [chunk.chunk for chunk in ordered if chunk.frames and not chunk.observed]
    lost = silent[len(silent) // 2]
    holed = dict(_by_place([chunk for chunk in ordered if chunk.chunk != lost]))
    for place, whole in _by_place(ordered):
        assert holed[place].lap_time_s == pytest.approx(whole.lap_time_s, abs=0.01)
    torn = [lap for place, lap in _by_place(ordered) if holed[place].frames < lap.frames]
    assert torn and not any(holed[lap.own, lap.car, lap.lap_number].complete for lap in torn)


def _final(chunks: Iterable[Chunk]) -> dict[tuple[bool, str, int], Lap]:
    """Return the last fact of each lap, as a subscriber to facts alone has it."""
    state, last = initial(), {}
    for chunk in chunks:
        state, facts = decide(state, chunk)
        for lap in facts:
            if isinstance(lap, Lap):
                last[lap.own, lap.car, lap.lap_number] = steady(lap)
    return last


def _by_place(chunks: Iterable[Chunk]) -> list[tuple[tuple[bool, str, int], Lap]]:
    return [((lap.own, lap.car, lap.lap_number), lap) for lap in replay.laps(chunks)]


def steady(lap: Lap) -> Lap:
    """Return a lap without its revision and without fields that grow with each frame."""
    return replace(lap, revision=0, at_ns=0, frames=0)
