"""Runs are numbered upwards, and no two PCs get the same number."""

from hypothesis import given
from hypothesis import strategies as st

from producers.run_number import RANDOM_BITS, run_number

NOW_S = 1_800_000_000
LARGEST_NOISE = 2**RANDOM_BITS - 1
noises = st.integers(0, LARGEST_NOISE)


@given(st.integers(NOW_S, 2**32 - 1), noises, noises)
def test_a_later_start_has_a_higher_number(now_s: int, first: int, second: int) -> None:
    assert run_number(now_s + 1, 0, second) > run_number(now_s, 0, first)


@given(st.integers(0, NOW_S), noises, noises)
def test_a_start_is_above_the_newest_run_whatever_the_clock_says(
    now_s: int, first: int, second: int
) -> None:
    newest = run_number(NOW_S, 0, first)
    assert run_number(now_s, newest, second) > newest


def test_a_number_in_milliseconds_of_an_earlier_version_is_lower() -> None:
    assert run_number(NOW_S, 1000 * NOW_S + 999, 0) > 1000 * NOW_S + 999


def test_two_pcs_with_copies_of_one_spool_and_equal_clocks_differ() -> None:
    assert run_number(NOW_S - 100, NOW_S << RANDOM_BITS, 1) != run_number(
        NOW_S - 100, NOW_S << RANDOM_BITS, 2
    )


def test_a_number_is_exact_in_javascript_until_2106() -> None:
    assert run_number(2**32 - 1, 0, LARGEST_NOISE) < 2**53
