"""Filters are compared as nats-server compares them."""

import pytest

from pitbox.topology.subjects import filters, matcher, overlap


@pytest.mark.parametrize(
    ("wanted", "present", "found"),
    [
        (["a.*", "b"], ["b", "a.*"], [">"]),
        (["a.*", "b"], ["b"], [">"]),
        (["b", "a.*"], ["a.*", "b", "c"], ["a.*", "b"]),
        (["b"], ["b.*"], ["b"]),
    ],
)
def test_a_reader_of_all_subjects_has_one_filter_for_everything(
    wanted: list[str], present: list[str], found: list[str]
) -> None:
    assert filters(wanted, present) == found


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("*.b", "a.*", True),
        ("a.>", "a.b.c", True),
        (">", "a", True),
        ("a.b", "a.c", False),
        ("a.*", "a", False),
        ("a.*.live", "a.*.backfill", False),
        ("a.*", "a.b.c", False),
        ("a.b.>", "a.c.d", False),
        ("a.>", "a", False),
    ],
)
def test_filters_overlap_where_a_subject_matches_both(one: str, other: str, common: bool) -> None:
    assert overlap(one, other) == overlap(other, one) == common


@pytest.mark.parametrize(
    ("subject", "matches"),
    [
        ("a.b.live", True),
        ("a.\n.live", True),
        ("a.b.backfill", False),
        ("a.b.c.live", False),
        ("c.d.e", True),
        ("c", False),
        ("d+", True),
        ("dd", False),
    ],
)
def test_a_subject_matches_any_of_the_filters_as_a_whole(subject: str, matches: bool) -> None:
    assert bool(matcher(["a.*.live", "c.>", "d+"])(subject)) == matches
