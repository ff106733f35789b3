"""No Hypothesis test depends on how fast the machine is."""

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.conftest import ROOT

TESTS = sorted(
    path for path in (ROOT / "tests").rglob("test_*.py") if "hypothesis" in path.read_text()
)


def test_no_example_has_a_deadline_unless_a_test_sets_one() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_test_sets_a_deadline_or_lets_a_slow_machine_fail_it(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "settings":
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert given.get("deadline", "None") == "None"
            assert "too_slow" in given.get("suppress_health_check", "too_slow")
