"""Every migration has a number of its own: dbmate applies one of two with the same, and fails."""

from pitbox.postgres.migration import FOLDER


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = [path.name.partition("_")[0] for path in FOLDER.glob("*.sql")]
    assert sorted(numbers) == sorted({*numbers})
