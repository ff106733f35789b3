"""`pitbox drive` works with the packages of requirements/driver.txt alone."""

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.faults.ledger import read_ledger
from tests.tools.servers import NatsServer, free_port, until

REQUIREMENTS: Final = ROOT / "requirements" / "driver.txt"
HUB_ONLY: Final = frozenset(
    {"aiortc", "argon2", "asyncpg", "litestar", "numpy", "uvicorn", "websockets"}
)
COMMANDS: Final = ("commands.cli", "commands.doctor", "commands.drive", "commands.imports")
BUILD_S: Final = 100.0
COMMAND_S: Final = 60.0

IMPORT_ALL: Final = """
import importlib, importlib.metadata, importlib.util, json, pkgutil, sys
import producers

def broken(name):
    raise ImportError(name)

hub_only, wanted = json.loads(sys.argv[1]), json.loads(sys.argv[2])
found = [m.name for m in pkgutil.walk_packages(producers.__path__, "producers.", broken)]
for name in [*wanted, *found]:
    importlib.import_module(name)
print(json.dumps({
    "imported": found,
    "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
    "there": [name for name in hub_only if importlib.util.find_spec(name)],
}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the packages of a driver's PC.

    Skips if its packages are available neither from the cache nor from a registry, unless
    PITBOX_E2E=required.
    """
    folder = tmp_path_factory.mktemp("driver") / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    made = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", str(made), "--require-hashes"]
    refused = ""
    for offline in (["--offline"], []):
        done = subprocess.run(
            [*install, *offline, "-r", str(REQUIREMENTS)],
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            check=False,
        )
        if done.returncode == 0:
            return made
        refused = done.stderr
    reason = f"{REQUIREMENTS.name} can be had neither from uv's cache nor a registry: {refused}"
    if os.environ.get("PITBOX_E2E") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def plain(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with the checkout on the path, and no other setting of PitBox."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PITBOX_")}
    return inherited | {"PYTHONPATH": str(ROOT), "HOME": str(folder)} | more


def run(
    python: Path, folder: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env=plain(folder, **more),
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def imported_late(module: str) -> Iterator[str]:
    """Return our modules that a command imports when it runs or for its types."""
    for node in ast.walk(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_modules_of_drive_and_import_load_without_the_packages_of_the_hub(
    python: Path, tmp_path: Path
) -> None:
    wanted = [*COMMANDS, *(late for name in COMMANDS for late in imported_late(name))]
    assert "producers.uplink.enrolment" in wanted
    done = run(python, tmp_path, "-c", IMPORT_ALL, json.dumps(sorted(HUB_ONLY)), json.dumps(wanted))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "producers").rglob("*.py")
    }
    assert {*report["imported"], "producers"} == modules
    assert report["there"] == []
    assert not HUB_ONLY & set(report["loaded"])


@pytest.mark.parametrize(
    "command",
    [["drive", "--help"], ["import", "--help"], ["--help"]],
    ids=" ".join,
)
def test_help_works_on_a_drivers_pc(python: Path, tmp_path: Path, command: list[str]) -> None:
    done = run(python, tmp_path, "-m", "commands", *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: pitbox")


def test_enrolment_and_import_fail_on_a_drivers_pc_only_for_their_own_reasons(
    python: Path, tmp_path: Path
) -> None:
    credentials = {"PITBOX_NATS__CREDENTIALS": str(tmp_path / "ada.creds")}
    hub = f"AAAA-BBBB@127.0.0.1:{free_port()}"
    enrolled = run(python, tmp_path, "-m", "commands", "drive", "--enrol", hub, **credentials)
    credentials = {"PITBOX_NATS__CREDENTIALS": str(NatsServer(tmp_path).driver("ada"))}
    imported = run(python, tmp_path, "-m", "commands", "import", "none.ibt", **credentials)
    for done in (enrolled, imported):
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert "not installed" not in done.stderr


def test_a_simulated_car_drives_on_a_drivers_pc(
    python: Path, tmp_path: Path, nats_server: NatsServer
) -> None:
    ledger = tmp_path / "ledger"
    pc = {
        "PITBOX_NATS__URL": nats_server.url,
        "PITBOX_NATS__CREDENTIALS": str(nats_server.driver("ada")),
        "PITBOX_DRIVER__SPOOL": str(tmp_path / "spool"),
    }
    process = subprocess.Popen(
        [str(python), "-m", "commands", "drive", "--source", "sim", "--ledger", str(ledger)],
        cwd=tmp_path,
        env=plain(tmp_path, **pc),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(
            lambda: len(read_ledger(ledger).committed) > 20 or process.poll() is not None,
            "it drives",
        )
    finally:
        process.send_signal(signal.SIGINT)
        _, logged = process.communicate(timeout=COMMAND_S)
    assert process.returncode == 0, logged
    assert len(read_ledger(ledger).committed) > 20
