"""Only what is complete of a run is sealed, each chunk once, drivers in turn."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.persister.decide import RunKey
from consumers.persister.sealable import PART_CHUNKS, Part, Run, in_turn, next_part, sealable
from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges

KEY = RunKey("race", "ada", 7)
numbers = st.sets(st.integers(0, 40)).map(ranges.of)


def run(have: Ranges, **sets: Ranges) -> Run:
    return Run(KEY, have, **sets)


def members(some: Ranges) -> set[int]:
    return {number for first, last in some for number in range(first, last + 1)}


@given(numbers, numbers, numbers, numbers, numbers)
def test_chunks_without_an_open_hole_before_them_are_sealed_once(
    have: Ranges, dead: Ranges, gone: Ranges, sealed: Ranges, expired: Ranges
) -> None:
    known = members(have) | members(dead) | members(gone)
    through = next(number for number in range(50) if number not in known)
    found = sealable(run(have, dead=dead, gone=gone, sealed=sealed, expired=expired))
    wanted = members(have) - members(sealed) - members(expired)
    assert members(found) == {number for number in wanted if number < through}


@given(numbers, st.booleans())
def test_parts_cover_all_that_is_to_be_sealed_in_order(rest: Ranges, ended: bool) -> None:
    one = replace(run(rest), ended=ended)
    after, read = -1, list[int]()
    while part := next_part(one, rest, after):
        first, after = part.chunks
        read += range(first, after + 1)
    assert read == sorted(members(rest))


def test_a_part_is_bounded() -> None:
    have = ((0, 10 * PART_CHUNKS),)
    assert next_part(run(have), have, -1) == Part((0, PART_CHUNKS - 1), ended=False)


def test_chunks_before_a_hole_are_followed_by_none_and_the_newest_may_be() -> None:
    have = ((0, 9), (11, 20))
    assert next_part(run(have), have, -1) == Part((0, 9), ended=True)
    assert next_part(run(have), have, 9) == Part((11, 20), ended=False)
    assert next_part(replace(run(have), ended=True), have, 9) == Part((11, 20), ended=True)
    assert next_part(run(have), have, 20) is None
    assert next_part(run(have), NONE, -1) is None


def test_a_driver_of_many_runs_does_not_hold_up_others() -> None:
    def of(driver: str, number: int) -> Run:
        return Run(RunKey("race", driver, number), NONE)

    made = [of("ada", 1), of("ada", 2), of("ada", 3), of("bob", 4), of("eve", 5), of("eve", 6)]
    assert [one.key.run for one in in_turn(made)] == [1, 4, 5, 2, 6, 3]
