"""Missing chunks are read in slices, the newest first, and folded in portions."""

from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import ranges
from pitbox.service.derivation import newest_first, portions
from schemas.sim import Finished
from tests.tools.dear import START_NS, framed

runs = st.dictionaries(st.integers(0, 3), st.sets(st.integers(0, 60), min_size=1))


@given(runs, st.integers(1, 20))
def test_slices_contain_all_missing_chunks_once_and_begin_with_the_newest(
    missing: dict[int, set[int]], size: int
) -> None:
    slices = newest_first({run: ranges.of(some) for run, some in missing.items()}, size)
    assert slices == sorted(slices, reverse=True)
    assert all(last - first < size for _, first, last in slices)
    assert all({first, last} <= missing[run] for run, first, last in slices)
    covered = [(run, n) for run, first, last in slices for n in range(first, last + 1)]
    assert len(set(covered)) == len(covered)
    assert {(run, number) for run in missing for number in missing[run]} <= set(covered)


def test_a_run_in_shreds_is_read_in_few_slices() -> None:
    shreds = ranges.of(range(0, 10_000, 2))
    assert len(newest_first({1: shreds}, 500)) == 20


@given(st.lists(st.integers(0, 40), max_size=12))
def test_portions_hold_all_chunks_in_order_and_few_frames(frames: list[int]) -> None:
    chunks = [framed(number, {}, frames=count) for number, count in enumerate(frames)]
    made = list(portions(chunks, 50))
    assert [chunk for portion in made for chunk in portion] == chunks
    assert all(sum(one.frames for one in portion) <= 50 for portion in made)


def test_events_count_in_a_portion() -> None:
    finished = [Finished(at_ns=START_NS)] * 60
    chunks = [framed(number, {}, frames=1, events=finished) for number in range(3)]
    assert [len(portion) for portion in portions(chunks, 50)] == [1, 1, 1]
