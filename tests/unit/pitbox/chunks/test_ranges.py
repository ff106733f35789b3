"""Operations on ranges agree with those on sets of numbers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import ranges
from pitbox.chunks.ranges import Ranges

numbers = st.sets(st.integers(0, 60))
pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)))


def as_set(given_ranges: Ranges) -> set[int]:
    return {n for first, last in given_ranges for n in range(first, last + 1)}


def is_normal(given_ranges: Ranges) -> bool:
    ends = [end for part in given_ranges for end in part]
    apart = all(left[1] + 1 < right[0] for left, right in itertools.pairwise(given_ranges))
    return apart and ends == sorted(ends)


@given(pairs)
def test_ranges_of_any_order_and_overlap_become_a_set(parts: list[tuple[int, int]]) -> None:
    made = ranges.normal(parts)
    assert is_normal(made)
    assert as_set(made) == as_set(tuple(part for part in parts if part[0] <= part[1]))


@given(st.lists(st.integers(0, 60)))
def test_single_numbers_in_any_order_become_a_set(given_numbers: list[int]) -> None:
    made = ranges.of(given_numbers)
    assert is_normal(made)
    assert as_set(made) == set(given_numbers)


@given(numbers, numbers)
def test_union_agrees_with_sets(left: set[int], right: set[int]) -> None:
    made = ranges.union(ranges.of(left), ranges.of(right))
    assert is_normal(made)
    assert as_set(made) == left | right


@given(numbers, numbers)
def test_difference_agrees_with_sets(left: set[int], right: set[int]) -> None:
    made = ranges.minus(ranges.of(left), ranges.of(right))
    assert is_normal(made)
    assert as_set(made) == left - right


@given(numbers, st.integers(-1, 61))
def test_count_and_membership_agree_with_sets(members: set[int], number: int) -> None:
    made = ranges.of(members)
    assert ranges.count(made) == len(members)
    assert ranges.contains(made, number) == (number in members)


@given(numbers, st.integers(-5, 65), st.integers(-5, 65))
def test_a_part_of_a_set_agrees_with_sets(left: set[int], first: int, last: int) -> None:
    made = ranges.within(ranges.of(left), first, last)
    assert is_normal(made)
    assert as_set(made) == {number for number in left if first <= number <= last}
