"""Dependencies run one way, and decisions are pure."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.sources import PACKAGES, ROOT, files, nodes, statements, tree

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}
LAYERS = CONTRACTS["commands stand on consumers and producers, these on pitbox, pitbox on schemas"]
INDEPENDENT = CONTRACTS["no consumer imports another"]
PURE = CONTRACTS["decisions are pure"]["source_modules"]
# Modules that a rule names one by one exist in this tree only.
PURE_BY_NAME = CONTRACTS["decisions are pure"] | {
    "source_modules": [pattern for pattern in PURE if "*" in pattern],
    "forbidden_modules": ["time", "pitbox.logs"],
}
OURS = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files(*PACKAGES)}
"""The path of each module of ours."""
DRIVER_PACKAGES = {
    "attrs",
    "cffi",
    "cryptography",
    "cyclopts",
    "docstring-parser",
    "filelock",
    "lz4",
    "markdown-it-py",
    "mdurl",
    "msgspec",
    "nats-py",
    "prometheus-client",
    "pycparser",
    "pycryptodome",
    "pygments",
    "pyirsdk",
    "pyyaml",
    "rich",
    "rich-rst",
    "structlog",
    "uvloop",
}
CLIENTS = {"urllib.request", "http.client", "httpx", "aiohttp", "requests", "websockets", "smtplib"}
IMPURE_CALLS = {"open", "print", "input", "time", "time_ns", "monotonic", "now", "sleep", "random"}


@pytest.mark.thorough
def test_import_rules_are_kept() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_schemas_need_msgspec_and_nothing_else() -> None:
    code = (
        "import sys, schemas.registry, schemas.api, schemas.sim, schemas.wall; "
        "print({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names)"
    )
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name for name in ast.literal_eval(done.stdout) if not name.startswith("_")}
    assert {"msgspec", "schemas"} <= loaded
    assert not loaded & {"pitbox", "nats", "lz4", "yaml", "asyncpg", "structlog", "cyclopts"}


@pytest.mark.parametrize("pattern", PURE)
def test_a_pure_module_awaits_nothing_and_makes_no_impure_call(pattern: str) -> None:
    paths = [path for module, path in OURS.items() if named(module, pattern)]
    assert paths
    for path in paths:
        for node in nodes(path):
            assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.Global)), node.lineno
            if isinstance(node, ast.Call):
                called = node.func
                own = isinstance(called, ast.Attribute)
                name = called.attr if own else getattr(called, "id", "")
                assert name not in IMPURE_CALLS, f"{path}:{node.lineno}: {name}"


def named(module: str, pattern: str) -> bool:
    """Return whether a pattern matches a module; ** stands for packages, as in import-linter."""
    return re.fullmatch(re.escape(pattern).replace(r"\*\*", r"[\w.]+"), module) is not None


def lint(folder: Path, imports: dict[str, str], *contracts: dict[str, Any]) -> tuple[int, str]:
    """Apply our rules to packages of these modules, each of which imports another."""
    modules = {"consumers.timing.decide", *imports, *imports.values()}
    for module in {f"{name}.anything" for name in PACKAGES} | modules:
        file = folder / f"{module.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(f"import {imports[module]}" if module in imports else "")
    lines = ["[tool.importlinter]", *_lines(LINTER)]
    for contract in contracts:
        lines += ["[[tool.importlinter.contracts]]", *_lines(contract)]
    (folder / "pyproject.toml").write_text("\n".join(lines))
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def _lines(table: dict[str, Any]) -> list[str]:
    """Return a table as TOML, which writes strings, lists and truth values as JSON does."""
    return [f"{key} = {json.dumps(value)}" for key, value in table.items() if key != "contracts"]


@pytest.mark.thorough
def test_rules_that_are_kept_pass(tmp_path: Path) -> None:
    kept = {
        "commands.run": "consumers.coach.decide",
        "commands.drive": "producers.source",
        "consumers.coach.decide": "pitbox.chunks",
        "producers.source": "pitbox.chunks",
        "pitbox.chunks": "schemas.telemetry",
        "pitbox.logs": "schemas.telemetry",
    }
    code, output = lint(tmp_path, kept, LAYERS, INDEPENDENT, PURE_BY_NAME)
    assert (code, "3 kept, 0 broken" in output) == (0, True), output


@pytest.mark.thorough
def test_every_import_against_the_rules_is_found_also_of_a_new_consumer(tmp_path: Path) -> None:
    broken = {
        "schemas.a": "pitbox.z",
        "schemas.b": "consumers.timing.z",
        "schemas.c": "producers.z",
        "schemas.d": "commands.z",
        "pitbox.a": "consumers.timing.z",
        "pitbox.b": "producers.z",
        "pitbox.c": "commands.z",
        "consumers.timing.a": "producers.z",
        "consumers.timing.b": "commands.z",
        "producers.a": "consumers.timing.z",
        "producers.b": "commands.z",
        "consumers.coach.a": "consumers.timing.z",
        "consumers.coach.decide": "pitbox.logs",
    }
    code, output = lint(tmp_path, broken, LAYERS, INDEPENDENT, PURE_BY_NAME)
    assert (code, "0 kept, 3 broken" in output) == (1, True), output
    chains = [f"{one} -> {other}" for one, other in broken.items()]
    assert [chain for chain in chains if chain not in output] == [], output


def test_a_drivers_pc_needs_no_more_packages_than_these() -> None:
    pinned = (ROOT / "requirements" / "driver.txt").read_text()
    assert {*re.findall(r"^([\w.-]+)==", pinned, re.MULTILINE)} == DRIVER_PACKAGES


def test_asvs_13_2_4_no_service_asks_other_servers_than_its_own_peers() -> None:
    """Postgres and nats-server are settings; a driver chooses the address of an HTTP source."""
    found = {str(path.relative_to(ROOT)) for path in OURS.values() if CLIENTS & set(imported(path))}
    assert found == {"commands/hub/stack.py", "producers/uplink/enrolment.py"}


def imported(path: Path) -> Iterator[str]:
    for node in statements(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_only_the_runtime_acknowledges() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("commands", "producers", "consumers", "pitbox")
        for path in (ROOT / package).rglob("*.py")
        if any(word in path.read_text() for word in ('"+ACK"', '"-NAK"', ".nak(", ".ack_sync("))
    ]
    assert found == ["pitbox/nats/pull.py"]
