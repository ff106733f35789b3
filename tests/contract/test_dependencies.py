"""Dependencies run one way, and decisions are pure."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PURE = sorted([*ROOT.glob("consumers/*/decide.py"), ROOT / "consumers/gateway/live/fanout.py"])
CLIENTS = {"urllib.request", "http.client", "httpx", "aiohttp", "requests", "websockets", "smtplib"}
IMPURE_CALLS = {"open", "print", "input", "time", "time_ns", "monotonic", "now", "sleep", "random"}


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


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.parent.name)
def test_a_decision_waits_for_nothing_and_asks_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.Global)), node.lineno
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in IMPURE_CALLS, f"{path}:{node.lineno}: {name}"


def test_asvs_13_2_4_no_service_asks_other_servers_than_its_own_peers() -> None:
    """Postgres and nats-server are settings; what is asked over HTTP is a driver's own choice."""
    found = {
        str(path.relative_to(ROOT))
        for package in ("commands", "producers", "consumers", "pitbox", "schemas")
        for path in (ROOT / package).rglob("*.py")
        if CLIENTS & set(imported(path))
    }
    assert found == {"commands/hub/stack.py", "producers/uplink/enrolment.py"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
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
