"""No module imports itself through others, not even for types alone."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.tools.sources import PACKAGES, ROOT, tree

Graph = dict[str, set[str]]


def graph_of(root: Path, packages: Iterable[str]) -> Graph:
    """Return the module-level imports among the modules of these packages."""
    paths = {_name(root, path): path for name in packages for path in (root / name).rglob("*.py")}
    return {
        name: {
            module
            for found in _imported(name, path, paths)
            for module in _run_for(found)
            if module != name and (module == found or not name.startswith(f"{module}."))
        }
        for name, path in paths.items()
    }


def circle(graph: Mapping[str, Iterable[str]]) -> str:
    """Return a circle as "a -> b -> a", "" where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # The sorter names each module before the one that imports it.
        return " -> ".join(reversed(error.args[1]))
    return ""


def _name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(name: str, path: Path, paths: Mapping[str, Path]) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _at_module_level(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in paths)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: package.count(".") + 2 - node.level])
            source = ".".join(filter(None, [base if node.level else "", node.module or ""]))
            inner = {f"{source}.{alias.name}" for alias in node.names} & paths.keys()
            yield from inner
            # A name that is no module comes from the package, which must have run by then.
            if source in paths and len(inner) < len(node.names):
                yield source


def _run_for(module: str) -> Iterator[str]:
    """Return a module and the packages around it, which run before it."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def _at_module_level(parent: ast.AST) -> Iterator[ast.AST]:
    """Return all statements except those in functions, which run later."""
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.expr)):
            yield node
            yield from _at_module_level(node)


def test_there_is_no_import_circle() -> None:
    graph = graph_of(ROOT, PACKAGES)
    assert len(graph) > 200
    assert "schemas.telemetry" in graph["producers.spool.depot"]
    assert not circle(graph)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import house.second", "from house.first import something"),
        ("from house import second", "import house.first"),
        ("from . import second", "from .first import something"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import second",
            "try:\n    from house import first\nexcept ImportError:\n    pass",
        ),
    ],
)
def test_a_circle_is_found_and_named(tmp_path: Path, first: str, second: str) -> None:
    house = tmp_path / "house"
    house.mkdir()
    for name, text in (("__init__", ""), ("first", first), ("second", second)):
        (house / f"{name}.py").write_text(text)
    named = circle(graph_of(tmp_path, ["house"]))
    assert named in (
        "house.first -> house.second -> house.first",
        "house.second -> house.first -> house.second",
    )


def test_a_package_and_its_module_that_import_each_other_are_a_circle(
    tmp_path: Path,
) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "__init__.py").write_text("from house.room import door")
    (house / "room.py").write_text("from house import lock")
    named = circle(graph_of(tmp_path, ["house"]))
    assert named in ("house -> house.room -> house", "house.room -> house -> house.room")


def test_a_package_runs_before_its_module_and_so_takes_part_in_a_circle(tmp_path: Path) -> None:
    for name, text in (
        ("house/__init__", "from house.stairs import steps"),
        ("house/stairs", "import garden.gate"),
        ("garden/__init__", ""),
        ("garden/gate", "import house.cellar"),
        ("house/cellar", ""),
    ):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert circle(graph_of(tmp_path, ["house", "garden"]))


def test_an_import_within_a_function_makes_no_circle(tmp_path: Path) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "first.py").write_text("from house import second")
    (house / "second.py").write_text("def late():\n    import house.first")
    assert not circle(graph_of(tmp_path, ["house"]))
