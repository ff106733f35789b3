"""The source files of the code and of the tests, each parsed once, and their imports."""

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


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file."""
    return tuple(ast.walk(tree(path)))


def forget() -> None:
    """Free all syntax trees."""
    tree.cache_clear()
    nodes.cache_clear()


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements within a node, however deep, without their many expressions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from statements(child)


@cache
def imported(path: Path) -> dict[str, str]:
    """Return the dotted origin of every name that a file imports."""
    found = {}
    for node in statements(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            origins = {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
            found |= origins
    return found
