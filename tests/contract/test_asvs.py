"""docs/asvs.md and the tests named after OWASP ASVS 5.0 say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"def (test_asvs_((?:\d+_\d+_\d+_)+)\w+)")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \|.*\| (.+) \|$", re.MULTILINE)


def in_tests() -> set[tuple[str, str]]:
    """Return (id, test) of every test that is named after ids."""
    return {
        (identity.strip("_").replace("_", "."), test)
        for path in (ROOT / "tests").rglob("test_*.py")
        for test, ids in NAMED.findall(path.read_text())
        for identity in re.findall(r"\d+_\d+_\d+_", ids)
    }


def in_table() -> list[tuple[str, str]]:
    """Return (id, tests) of every row of the table."""
    return ROW.findall((ROOT / "docs" / "asvs.md").read_text())


def test_every_row_names_its_tests_and_every_test_has_its_row() -> None:
    named = {
        (identity, test) for identity, tests in in_table() for test in re.findall(r"`(\w+)`", tests)
    }
    assert named == in_tests()


def test_ids_are_in_order_and_each_has_a_test_or_a_reason() -> None:
    ids = [tuple(map(int, identity.split("."))) for identity, _ in in_table()]
    assert ids == sorted(set(ids))
    assert all("`test_" in tests or len(tests) > 10 for _, tests in in_table())
