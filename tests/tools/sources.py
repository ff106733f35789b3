"""The source files of the code and of the tests, and their imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("commands", "consumers", "producers", "pitbox", "schemas")


def files(*folders: str) -> Iterator[Path]:
    """Yield the Python files of these folders of the repository, in order."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def nodes(path: Path) -> Iterator[ast.AST]:
    """Yield all nodes of a file."""
    yield from ast.walk(ast.parse(path.read_text()))


@cache
def imported(path: Path) -> dict[str, str]:
    """Return the dotted origin of every name that a file imports."""
    found = {}
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            origins = {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
            found |= origins
    return found
