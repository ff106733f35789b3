"""Test that the state of a run depends on its chunks, not on their order or repetition."""

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from consumers.persister import decide
from consumers.persister.decide import Held, RunKey
from pitbox.chunks import ranges
from schemas.link import Receipt
from tests.tools.hub import mark

KEY = RunKey("test", "ada", 1)
numbers = st.lists(st.integers(0, 40), max_size=60)
batches = st.lists(numbers, max_size=8)


def receipt_of(held: Held) -> Receipt:
    return decide.receipt(KEY, held, boot="b", hub_ns=1)


def after(held: Held, stored: Sequence[int] = (), dead: Sequence[int] = (), echo: int = 0) -> Held:
    return decide.committed(held, stored, dead, marks=(), echo=echo)


def covered(receipt: Receipt) -> set[int]:
    missing = {n for first, last in receipt.missing for n in range(first, last + 1)}
    return set(range(receipt.upto + 1)) - missing


@given(batches)
def test_each_chunk_is_stored_once(arriving: list[list[int]]) -> None:
    held, rows = Held(), list[int]()
    for batch in arriving:
        rows += [batch[place] for place in decide.fresh(held, batch)]
        held = after(held, batch)
    assert len(rows) == len(set(rows))
    assert set(rows) == {number for batch in arriving for number in batch}


@given(batches, st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(
    arriving: list[list[int]], chance: random.Random
) -> None:
    def folded(given_batches: list[list[int]]) -> Held:
        held = Held()
        for batch in given_batches:
            held = after(held, batch, echo=max(batch, default=-1))
        return held

    again = [*arriving, *arriving]
    chance.shuffle(again)
    assert folded(again) == folded(arriving)


@given(numbers, numbers)
def test_a_receipt_covers_stored_and_dead_chunks_and_no_others(
    stored: list[int], dead: list[int]
) -> None:
    receipt = receipt_of(after(Held(), stored, dead))
    assert covered(receipt) == set(stored) | set(dead)
    assert receipt.dead == len(set(dead) - set(stored))
    first_missing = next(n for n in range(50) if n not in {*stored, *dead})
    assert receipt.through == min(first_missing - 1, receipt.upto)


def test_a_receipt_of_an_empty_run_is_empty() -> None:
    receipt = receipt_of(Held())
    assert (receipt.through, receipt.upto, receipt.missing) == (-1, -1, ())
    assert (receipt.echo, receipt.made, receipt.dead) == (-1, -1, 0)


@given(st.integers(1, 200))
def test_a_receipt_names_64_holes_at_most_and_claims_nothing_beyond(holes: int) -> None:
    held = after(Held(), range(1, 2 * holes + 1, 2))
    receipt = receipt_of(held)
    assert len(receipt.missing) == min(holes, 64)
    assert covered(receipt) <= {*range(1, 2 * holes + 1, 2)}
    assert (receipt.upto == 2 * holes - 1) == (holes <= 64)


def test_marks_only_add_to_what_is_known() -> None:
    declared = [mark(5, gone=((1, 2),)), mark(9, closed=True, gone=((2, 3), (8, 7))), mark(4)]
    held = decide.committed(Held(), (), (), marks=declared, echo=12)
    assert (held.made, held.closed, held.gone, held.echo) == (9, True, ((1, 3),), 12)
    assert decide.committed(held, (), (), marks=(), echo=3) == held


def test_the_ranges_of_a_fragmented_run_are_bounded() -> None:
    torn = range(0, 4 * decide.MAX_RANGES, 2)
    held = Held()
    for first in range(0, len(torn), 4000):
        part = torn[first : first + 4000]
        held = after(held, [part[place] for place in decide.fresh(held, part)])
    assert len(held.have) == decide.MAX_RANGES
    last = held.have[-1][1]
    following = [last + 1, last + 2, last + 5, 1, last + 3]
    assert [following[place] for place in decide.fresh(held, following)] == [
        *(last + 1, last + 2, 1, last + 3)
    ]
    declared = mark(9, gone=tuple((number, number) for number in torn))
    lost = mark(9, gone=((1, 1),))
    known = decide.committed(held, (), torn, marks=[declared, lost], echo=0)
    assert (known.gone, known.dead) == (((1, 1),), ())


@given(numbers)
def test_an_ascending_batch_behind_all_others_is_taken_whole(stored: list[int]) -> None:
    held = after(Held(), stored)
    last = held.have[-1][1] if held.have else -1
    assert list(decide.fresh(held, [last + 1, last + 2, last + 9])) == [0, 1, 2]
    assert ranges.count(held.have) == len(set(stored))


def test_the_receipt_of_a_deleted_run_states_no_chunk() -> None:
    stated = receipt_of(Held(deleted=9))
    assert (stated.deleted, stated.through, stated.upto, stated.missing) == (9, -1, -1, ())
