"""A lap reads the same whether its chunks are sealed, not sealed, or some of each."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import sealing
from pitbox.chunks.frames import unpack
from pitbox.chunks.traces import Row, Table, table
from schemas.telemetry import Chunk
from tests.unit.pitbox.chunks.test_sealing import BASE_NS, drive, runs

OWNER = ("race", "ada")


def unsealed(chunk: Chunk) -> Row:
    times = unpack(chunk).times_ns or (chunk.captured_ns,)
    return Row(
        *(chunk.run, chunk.first_frame, chunk.frames, chunk.captured_ns, times[-1]),
        *(chunk.channels, chunk.block, chunk.chunk, chunk.chunk, False),
    )


def sealed(group: Sequence[Chunk]) -> Row:
    framed = [unsealed(chunk) for chunk in group if chunk.frames] or [unsealed(group[0])]
    return unsealed(group[0])._replace(
        frames=sum(chunk.frames for chunk in group),
        captured_ns=framed[0].captured_ns,
        ended_ns=max(row.ended_ns for row in framed),
        block=sealing.seal(group),
        last_chunk=group[-1].chunk,
        sealed=True,
    )


def read(rows: Sequence[Row], from_ns: int, to_ns: int, wanted: Sequence[int] | None) -> Table:
    """Return the table of rows as the query gives them: those with frames, by time."""
    asked = sorted((row for row in rows if row.frames), key=lambda row: row.captured_ns)
    return table(asked, OWNER, from_ns, to_ns, wanted)


def content(found: Table) -> object:
    columns = [np.asarray(column).tobytes() for column in found.columns]
    return found.channels, found.times_ns.tolist(), columns, found.holes


@given(runs(backwards=False), st.data())
def test_sealing_changes_no_value_and_no_hole(chunks: list[Chunk], data: st.DataObject) -> None:
    rows: list[Row] = []
    for group in sealing.cut(chunks, ended=True):
        some = data.draw(st.booleans())
        rows += [sealed(group)] if some else [unsealed(chunk) for chunk in group]
    begin, end = sorted(data.draw(st.tuples(*[st.integers(-(10**9), 10**11)] * 2)))
    wanted = data.draw(st.none() | st.lists(st.integers(0, 120), max_size=4))
    asked = BASE_NS + begin, BASE_NS + end, wanted
    before = read([unsealed(chunk) for chunk in chunks], *asked)
    assert content(read(rows, *asked)) == content(before)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_block_is_a_hole_and_its_neighbours_are_read(place: int) -> None:
    rows = [sealed(group) for group in sealing.cut(drive(120), ended=True)]
    damaged = bytearray(rows[place].block)
    damaged[-1] ^= 1
    rows[place] = rows[place]._replace(block=bytes(damaged))
    found = read(rows, BASE_NS, BASE_NS + 10**11, [1])
    [values] = found.columns
    assert values.tolist() == [n for n in range(360) if n // 120 != place]
    before, after = max(0, 120 * place - 1), min(359, 120 * place + 120)
    assert [(first - BASE_NS, last - BASE_NS) for first, last in found.holes] == [
        (before * 16_000_000, after * 16_000_000)
    ]


def test_a_block_that_does_not_match_its_row_is_a_hole() -> None:
    [row] = [sealed(group) for group in sealing.cut(drive(20), ended=True)]
    for change in ({"first_frame": 1}, {"last_chunk": 20}, {"frames": 61}):
        found = read([row._replace(**change)], BASE_NS, BASE_NS + 10**10, None)
        assert len(found.times_ns) == 0
        assert len(found.holes) == 1
