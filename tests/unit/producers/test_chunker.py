"""Frames become chunks: where chunks end, what they carry, and how sessions are named."""

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.frames import unpack
from producers.chunker import MAX_OBSERVED_BYTES, Chunker, chunks
from producers.source import Began, Frame, Observation
from schemas.sim import Entry, LapReported, Observed, RaceDescribed, SessionOpened
from schemas.telemetry import MAX_BLOCK_BYTES, Chunk

START_NS = 1_700_000_000_000_000_000
SIXTIETH_NS = 16_666_667


def chunker(chunk_ms: int = 50, **changes: str) -> Chunker:
    return Chunker("ada", 100, chunk_ms=chunk_ms, **changes)


def began(session: str = "spa", at_ns: int = START_NS, width: int = 2) -> Began:
    opened = SessionOpened(at_ns=at_ns, source="f1", car="44")
    return Began(session, tuple(range(width)), opened)


def frames(count: int, gap_ns: int = SIXTIETH_NS, since_ns: int = START_NS) -> list[Observation]:
    return [Frame(since_ns + number * gap_ns, (float(number), 0.5)) for number in range(count)]


def lap(number: int = 1, own: bool = True) -> LapReported:
    return LapReported(at_ns=START_NS, car="44", lap_number=number, lap_time_s=90.0, own=own)


def observed(chunk: Chunk) -> list[Observed]:
    return msgspec.msgpack.decode(chunk.observed, type=list[Observed]) if chunk.observed else []


def cut(observations: Sequence[Observation], by: Chunker | None = None) -> list[Chunk]:
    return list(chunks(observations, by or chunker()))


@pytest.mark.parametrize(("rate_hz", "expected"), [(60, 3), (20, 1), (360, 18), (100, 5)])
def test_a_chunk_holds_its_length_of_frames_at_any_rate(rate_hz: int, expected: int) -> None:
    made = cut([began(), *frames(20 * expected, 1_000_000_000 // rate_hz)])
    assert [chunk.frames for chunk in made[10:-1]] == [expected] * (len(made) - 11)


def test_a_chunk_ends_with_its_last_frame_and_not_with_the_next_one() -> None:
    maker = chunker()
    completed = [maker.feed(observation) for observation in [began(), *frames(3)]]
    assert [len(chunks) for chunks in completed] == [0, 0, 0, 1]


def test_chunks_and_frames_are_numbered_on_within_a_run() -> None:
    made = cut([began(), *frames(9)])
    assert [chunk.chunk for chunk in made] == [0, 1, 2]
    assert [chunk.first_frame for chunk in made] == [0, 3, 6]
    assert {(chunk.session, chunk.driver, chunk.run) for chunk in made} == {("spa", "ada", 100)}


def test_every_frame_comes_out_as_it_went_in() -> None:
    made = cut([began(), *frames(7)])
    clock = [at_s for chunk in made for at_s in unpack(chunk).column(0) or ()]
    assert clock == [float(number) for number in range(7)]


def test_a_value_that_a_car_does_not_give_is_nan() -> None:
    made = cut([began(), Frame(START_NS, (math.nan, 0.5))])
    throttle, speed = unpack(made[0]).row(0)
    assert math.isnan(throttle)
    assert speed == 0.5


def test_a_gap_ends_a_chunk() -> None:
    made = cut([began(), *frames(2), *frames(2, since_ns=START_NS + 10**9)])
    assert [chunk.frames for chunk in made] == [2, 2]
    assert made[1].captured_ns == START_NS + 10**9


def test_a_clock_that_steps_back_ends_a_chunk() -> None:
    made = cut([began(), *frames(2), *frames(2, since_ns=START_NS - 10**9)])
    assert [chunk.captured_ns for chunk in made] == [START_NS, START_NS - 10**9]


def test_an_event_travels_in_the_chunk_of_its_time() -> None:
    made = cut([began(), *frames(3), lap(1), lap(2), *frames(3, since_ns=START_NS + 50_000_000)])
    assert isinstance(observed(made[0])[0], SessionOpened)
    assert observed(made[1]) == [lap(1), lap(2)]


def test_a_chunk_may_carry_events_and_no_frames() -> None:
    maker = chunker()
    maker.feed(began())
    only = maker.flush()[0]
    assert only.frames == 0
    assert only.captured_ns == START_NS
    assert unpack(only).times_ns == ()
    assert len(observed(only)) == 1


def test_nothing_collected_is_no_chunk() -> None:
    maker = chunker()
    assert maker.flush() == []
    maker.feed(began())
    maker.flush()
    assert maker.flush() == []


def test_frames_before_any_session_are_left_out() -> None:
    assert cut([*frames(5), lap()]) == []


def test_a_session_that_begins_is_a_run_of_its_own() -> None:
    again = frames(3, since_ns=START_NS + 10**9)
    made = cut([began("spa"), *frames(4), began("monza"), *again, began("spa"), *again])
    assert [(c.session, c.run, c.chunk, c.first_frame) for c in made] == [
        ("spa", 100, 0, 0),
        ("spa", 100, 1, 3),
        ("monza", 101, 0, 0),
        ("spa", 102, 0, 0),
    ]


def test_a_session_that_begins_again_goes_on_with_its_new_channels() -> None:
    rest = Frame(START_NS + 10**9, (1.0, 2.0, 3.0))
    made = cut([began("spa"), *frames(3), began("spa", width=3), rest])
    assert [(chunk.run, chunk.chunk) for chunk in made] == [(100, 0), (100, 1)]
    assert unpack(made[1]).row(0) == [1.0, 2.0, 3.0]


def test_the_setting_names_the_session_and_the_car() -> None:
    maker = chunker(session="le-mans-24", car="7")
    made = cut([began("spa"), lap(own=True), lap(own=False), *frames(1)], maker)
    assert made[0].session == "le-mans-24"
    assert [getattr(event, "car", "") for event in observed(made[0])] == ["7", "7", "44"]


def test_a_session_without_a_name_is_named_by_source_and_time() -> None:
    assert cut([began(""), *frames(1)])[0].session == "f1-20231114-221320"


def test_sessions_without_a_name_that_begin_in_the_same_second_are_two() -> None:
    made = cut([began(""), *frames(3), began(""), *frames(3)])
    assert [chunk.session for chunk in made] == ["f1-20231114-221320", "f1-20231114-221320-2"]


def test_sessions_without_a_name_of_a_recording_are_named_by_its_fingerprint() -> None:
    maker = chunker(fingerprint="c0ffee")
    made = cut([began(""), *frames(1), began("", at_ns=START_NS + 1), *frames(1)], maker)
    assert [chunk.session for chunk in made] == ["f1-c0ffee", "f1-c0ffee-2"]


@pytest.mark.parametrize("name", ["Spa 2026 / Race?", "-_-", "é", "a" * 99, ".x."])
def test_any_name_of_a_sim_becomes_a_token(name: str) -> None:
    made = cut([began(name), *frames(1)])[0]
    encoded = msgspec.msgpack.encode(made)
    assert msgspec.msgpack.decode(encoded, type=Chunk) == made


@given(st.integers(1, 300), st.integers(1, 1000), st.integers(10, 2000))
def test_no_chunk_is_larger_than_a_message_may_be(width: int, rate: int, chunk_ms: int) -> None:
    row = tuple(math.sin(number) * 1e30 for number in range(width))
    gap_ns = 1_000_000_000 // rate
    driven = [Frame(START_NS + number * gap_ns, row) for number in range(800)]
    made = cut([began(width=width), *driven], chunker(chunk_ms))
    assert all(len(chunk.block) <= MAX_BLOCK_BYTES for chunk in made)
    assert sum(chunk.frames for chunk in made) == 800


def test_a_flood_of_events_is_spread_over_chunks() -> None:
    made = cut([began(), *(lap(number) for number in range(2000))])
    assert len(made) > 1
    assert all(len(chunk.observed) <= MAX_OBSERVED_BYTES + 5 for chunk in made)
    assert sum(len(observed(chunk)) for chunk in made) == 2001


def test_the_session_is_described_again_every_half_minute() -> None:
    known = SessionOpened(at_ns=START_NS, source="f1", car="44", track="Spa")
    made = cut([began(), known, *frames(60 * 100)], chunker(chunk_ms=500))
    again = [chunk for chunk in made[1:] if chunk.observed]
    assert [observed(chunk) for chunk in again] == [[known]] * 3
    gaps_s = [(b.captured_ns - a.captured_ns) / 1e9 for a, b in pairwise(again)]
    assert gaps_s == pytest.approx([30, 30], abs=0.6)


def test_the_race_is_described_again_with_the_session_until_another_one_begins() -> None:
    race = RaceDescribed(at_ns=START_NS, entries=(Entry("44", "Ada"),), laps=30)
    driven = frames(60 * 40)
    made = cut([began(), race, *driven, began("monza"), *frames(60 * 40)], chunker(chunk_ms=500))
    described = [
        event for chunk in made for event in observed(chunk) if isinstance(event, RaceDescribed)
    ]
    assert [one.entries for one in described] == [race.entries] * 2
    assert (described[1].at_ns - START_NS) / 1e9 == pytest.approx(30, abs=0.6)


def test_a_session_goes_on_in_a_new_run_that_describes_itself() -> None:
    maker = chunker()
    first = cut([began(), *frames(6)], maker)
    maker.begin_run(501)
    second = cut(frames(6, since_ns=START_NS + 10**9), maker)
    assert [(chunk.session, chunk.run) for chunk in second] == [("spa", 501)] * len(second)
    assert (second[0].chunk, second[0].first_frame) == (0, 0)
    assert isinstance(observed(second[0])[0], SessionOpened)
    assert first[0].run == 100
