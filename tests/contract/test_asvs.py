"""docs/asvs.md names exactly the tests that are named after OWASP ASVS 5.0."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"def (test_asvs_((?:\d+_\d+_\d+_)+)\w+)")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \|.*\| (.+) \|$", re.MULTILINE)


APPLIES = [
    *("2.2.1", "2.4.1"),
    *("3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.4.1", "3.4.2", "3.4.3", "3.4.4", "3.5.1"),
    *("4.1.3", "4.4.1", "4.4.2", "4.4.3", "4.4.4"),
    *("5.2.1", "5.2.3", "5.3.2"),
    *("6.2.1", "6.2.8", "6.2.9", "6.2.12", "6.3.1", "6.3.2", "6.3.3", "6.3.4", "6.4.1", "6.4.6"),
    *("6.5.1", "6.5.5", "6.6.3"),
    *("7.2.4", "7.3.1", "7.3.2", "7.4.1", "7.4.2", "7.4.3", "7.4.5"),
    *("8.2.1", "8.2.2", "8.2.3", "8.4.1"),
    *("9.1.1", "9.1.2", "9.1.3", "9.2.1", "9.2.2", "9.2.3"),
    *("13.2.2", "13.2.4", "13.4.2"),
    *("16.2.5", "16.3.1", "16.3.2", "16.4.1", "16.5.1", "16.5.3"),
]
"""What applies: of WebRTC (17) there is nothing yet."""

UNTESTED = {"6.3.3", "8.4.1"}


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


def test_every_applicable_id_has_a_row_and_a_test_unless_it_is_absent() -> None:
    assert [identity for identity, _ in in_table()] == APPLIES
    assert {identity for identity, tests in in_table() if "`" not in tests} == UNTESTED
