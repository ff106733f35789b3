"""Stored chunks as channels over time, and their encodings."""

import csv
import io
import json
from itertools import count
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from consumers.gateway.past import formats
from pitbox.chunks.frames import pack
from pitbox.chunks.traces import Row, Table
from pitbox.chunks.traces import table as table_of
from schemas.api import PackedTraces, Traces
from schemas.channels import bitmap, ids

START_NS = 1_700_000_000_000_000_000
STEP_NS = 10_000_000
SPEED, GEAR, RPM = ids("speed", "gear", "engine_rpm")
chunk_numbers = count()


def table(rows: list[Row], *asked: Any) -> Table:
    return table_of(rows, ("spa", "ada"), *asked)


def at(frame: int) -> int:
    return START_NS + frame * STEP_NS


def stored(first: int, frames: int, channels: tuple[int, ...] = (GEAR, SPEED), run: int = 1) -> Row:
    """Return a chunk whose every value is its frame's number plus its channel's id / 1000."""
    times = [at(first + frame) for frame in range(frames)]
    rows = [
        np.array([first + frame + channel / 1000 for channel in channels], "<f4").tobytes()
        for frame in range(frames)
    ]
    bits, block = bitmap(channels), pack(times, rows)
    number = next(chunk_numbers)
    return Row(run, first, frames, times[0], times[-1], bits, block, number, number, False)


def numbers(found: Table) -> list[int]:
    return [round((time - START_NS) / STEP_NS) for time in found.times_ns.tolist()]


@given(
    lengths=st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=30),
    window=st.tuples(st.integers(-5, 100), st.integers(-5, 100)).map(sorted),
)
@example(lengths=[(1, True), (1, False), (1, True)], window=[1, 1])
def test_each_frame_of_the_range_comes_once_and_missing_chunks_are_holes(
    lengths: list[tuple[int, bool]], window: list[int]
) -> None:
    chunks, present, first = [], [], 0
    for frames, there in lengths:
        if there:
            chunks.append(stored(first, frames))
            present += range(first, first + frames)
        first += frames
    begin, end = window
    found = table(chunks, at(begin), at(end), [SPEED])
    assert numbers(found) == [frame for frame in present if begin <= frame <= end]
    for column in found.columns:
        expected = [np.float32(frame + SPEED / 1000) for frame in numbers(found)]
        assert column.tolist() == expected
    lacking = {f for f in range(begin, end + 1) if present and present[0] < f < present[-1]}
    # An instant has no length, so it cannot lie in a hole.
    for frame in lacking - set(present) if begin < end else ():
        assert any(start <= at(frame) <= stop for start, stop in found.holes)
    for start, stop in found.holes:
        assert at(begin) <= start < stop <= at(end)
        assert not any(start < at(frame) < stop for frame in present)


def test_a_hole_reaches_from_the_last_frame_before_it_to_the_first_after_it() -> None:
    found = table([stored(0, 3), stored(6, 3)], at(0), at(8))
    assert found.holes == ((at(2), at(6)),)


def test_a_new_run_of_the_driver_leaves_a_hole_but_a_second_copy_does_not() -> None:
    after = stored(10, 3)._replace(run=2, first_frame=0)
    assert table([stored(0, 3), after], at(0), at(12)).holes == ((at(2), at(10)),)
    copy = [stored(0, 3), stored(3, 3), stored(0, 3, run=2), stored(3, 3, run=2)]
    found = table(copy, at(0), at(5))
    assert (numbers(found), found.holes) == ([0, 1, 2, 3, 4, 5], ())


def test_a_channel_that_only_some_chunks_have_is_nan_in_the_others() -> None:
    found = table([stored(0, 1), stored(1, 1, (SPEED,))], at(0), at(1), [GEAR, RPM, SPEED])
    assert found.channels == (GEAR, SPEED)
    assert np.isnan(found.columns[0]).tolist() == [False, True]
    assert np.isnan(found.columns[1]).tolist() == [False, False]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_chunk_is_a_hole(place: int) -> None:
    rows = [stored(0, 3), stored(3, 3), stored(6, 3)]
    rows[place] = rows[place]._replace(block=b"damaged")
    found = table(rows, at(0), at(8))
    present = [frame for frame in range(9) if frame // 3 != place]
    assert numbers(found) == present
    assert found.holes == ((at(max(0, 3 * place - 1)), at(min(8, 3 * place + 3))),)


def test_a_block_that_contradicts_its_row_is_a_hole() -> None:
    found = table([stored(0, 3)._replace(frames=4)], at(0), at(3))
    assert (numbers(found), found.holes) == ([], ((at(0), at(2)),))


@given(arrays(np.float32, 20, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_numbers_are_written_short_and_read_back_as_they_were(column: np.ndarray) -> None:
    written = formats.shortest(column)
    assert written.astype(np.float32).tolist() == column.tolist()
    assert formats.shortest(np.array([0.1, 3.3, -48.0587], np.float32)).tolist() == [
        0.1,
        3.3,
        -48.0587,
    ]


def sample() -> Table:
    values = np.array([1.5, np.nan, np.inf], np.float32)
    times = np.array([at(0), at(1), at(4)], np.int64)
    return Table((SPEED,), times, (values,), ((at(1), at(4)),))


def test_json_has_null_for_nan() -> None:
    answer = json.loads(b"".join(formats.render("json", "spa", "ada", None, sample())))
    assert answer["columns"] == [[1.5, None, None]]
    assert answer["holes"] == [[at(1) / 1e6, at(4) / 1e6]]
    assert (answer["channels"], answer["units"], answer["lap"]) == (["speed"], ["m/s"], None)


def test_msgpack_carries_the_same_as_json() -> None:
    whole = table([stored(0, 3)], at(0), at(2))
    packed = msgspec.msgpack.decode(
        b"".join(formats.render("msgpack", "spa", "ada", None, whole)), type=PackedTraces
    )
    text = msgspec.json.decode(
        b"".join(formats.render("json", "spa", "ada", None, whole)), type=Traces
    )
    assert np.frombuffer(packed.times, "<f8").tolist() == list(text.times_ms)
    for column, values in zip(packed.columns, text.columns, strict=True):
        assert np.frombuffer(column, "<f4").tolist() == np.array(values, np.float32).tolist()
    assert (packed.channels, packed.units) == (text.channels, text.units)


def test_csv_has_units_in_the_header_and_an_empty_line_for_a_hole() -> None:
    written = b"".join(formats.render("csv", "spa", "ada", None, sample())).decode()
    assert list(csv.reader(io.StringIO(written))) == [
        ["time_ms", "speed [m/s]"],
        [repr(at(0) / 1e6), "1.5"],
        [repr(at(1) / 1e6), ""],
        [],
        [repr(at(4) / 1e6), ""],
    ]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/vnd.msgpack", "msgpack"),
        ("text/html, text/csv;q=0.9", "csv"),
        ("*/*", "json"),
        ("", "json"),
    ],
)
def test_the_accept_header_chooses_a_format(accept: str, form: str) -> None:
    assert formats.accepted(accept) == form
