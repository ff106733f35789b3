"""No Hypothesis test depends on how fast the machine is."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.tools.sources import files, nodes

SETS = re.compile(r"hypothesis.*\bsettings\(", re.DOTALL)
TESTS = [
    path
    for path in files("tests")
    if path.name.startswith("test_") and SETS.search(path.read_text())
]


def test_no_example_has_a_deadline_unless_a_test_sets_one() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_test_sets_a_deadline_or_lets_a_slow_machine_fail_it(path: Path) -> None:
    for node in nodes(path):
        match node:
            case ast.Call(func=ast.Name(id="settings"), keywords=keywords):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in keywords}
                assert given.get("deadline", "None") == "None"
                assert "too_slow" in given.get("suppress_health_check", "too_slow")
