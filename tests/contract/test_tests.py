"""The tests mirror the code's folders, and change limits by arguments alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.sources import PACKAGES, ROOT, files, imported, nodes

SETS = re.compile(r"setattr\(|^\s*(?!self\.)\w+(\.\w+)+ = ", re.MULTILINE)
"""Only a file with such a line is parsed: most have none."""

UNIT = ROOT / "tests" / "unit"
FOLDERS = sorted({path.parent.relative_to(UNIT) for path in UNIT.rglob("*.py")})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_of_unit_tests_is_a_folder_of_the_code(folder: Path) -> None:
    assert (ROOT / folder / "__init__.py").is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_unit_test_that_imports_our_code_imports_from_its_own_folder(folder: Path) -> None:
    package = ".".join(folder.parts)
    for path in (UNIT / folder).glob("test_*.py"):
        own = [origin for origin in imported(path).values() if is_own(origin)]
        assert not own or any(f"{origin}.".startswith(f"{package}.") for origin in own), path


def test_no_test_replaces_an_attribute_of_our_code() -> None:
    """A limit is an argument with a default: a patched constant misses code that copied it."""
    assert [change for path in files("tests") for change in replaced(path)] == []


def test_a_replaced_attribute_is_found(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        "import time\n"
        "from pitbox.nats import pull\n"
        "from pitbox.nats.pull import Pull\n"
        "monkeypatch.setattr(time, 'time', None)\n"
        "monkeypatch.setattr(pull, 'PROGRESS_S', 1)\n"
        "monkeypatch.setattr('pitbox.nats.pull.PROGRESS_S', 1)\n"
        "setattr(Pull.batch, 'x', 1)\n"
        "pull.PROGRESS_S = 1\n"
    )
    assert [change.rpartition(":")[0] for change in sorted(replaced(path))] == [
        f"{path}:{line}" for line in (5, 6, 7, 8)
    ]


def replaced(path: Path) -> Iterator[str]:
    """Yield the places where a file sets an attribute of an object imported from our code."""
    if not SETS.search(path.read_text()):
        return
    own = {name for name, origin in imported(path).items() if is_own(origin)}
    for node in nodes(path):
        match node:
            case ast.Call(func=ast.Attribute(attr="setattr") | ast.Name(id="setattr")):
                changed = node.args[:1]
            case ast.Assign(targets=targets):
                changed = [one.value for one in targets if isinstance(one, ast.Attribute)]
            case _:
                continue
        if any(root(one) in own or is_own(root(one)) for one in changed):
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def root(node: ast.expr) -> str:
    """Return the name at the start of an attribute chain, or a string literal as it is."""
    while isinstance(node, ast.Attribute):
        node = node.value
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=str(text)):
            return text
    return ""


def is_own(origin: str) -> bool:
    """Return whether a dotted name belongs to our code."""
    return origin.split(".", maxsplit=1)[0] in PACKAGES and "." in origin
