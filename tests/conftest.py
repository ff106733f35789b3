"""What every test may ask for: recordings, a real nats-server, a real and migrated database."""

import asyncio
import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from pitbox.postgres import migration
from tests.tools import sources
from tests.tools.servers import NatsServer, PostgresServer, running

ROOT = Path(__file__).parent.parent
RUNGS = ("unit", "contract", "replay", "integration", "e2e", "faults", "attacks", "truth")
TEMPLATE = "template_pitbox"
TURN_S = 600
"""Within so long the test of a whole stack has its turn, and is done."""
SHRUNK_S = 600
"""Within so long Hypothesis has generated its examples and shrunk a failure (300 s at most).

A timeout that interrupts it is taken for a failure of the test: it runs the example again, finds it
to draw other data than the interrupted one and reports FlakyStrategyDefinition instead of a cause.
"""

# Time says nothing about the code on a loaded machine: an example may take as long as it takes.
# `make unit` runs `quick`: the same few examples always.
settings.register_profile("full", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("full"), max_examples=6, derandomize=True)
settings.load_profile("full")

# Reference counts free almost all that tests leave; a collection walks every module each time.
gc.set_threshold(50_000)

_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by the folder it stands in."""
    for item in items:
        rung = item.path.relative_to(ROOT / "tests").parts[0]
        if rung in RUNGS:
            item.add_marker(rung)
        if rung == "e2e":
            item.add_marker(pytest.mark.timeout(TURN_S))
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.timeout(SHRUNK_S))


def pytest_collection_finish() -> None:
    """Spare the garbage collector all that was imported: it would look through it every time."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Free the syntax trees of the sources before pytest's last collections walk them."""
    sources.forget()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real recordings; skips where there is none."""
    folder = Path(os.environ.get("PITBOX_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}: set PITBOX_DATA")
    return folder


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """Run a nats-server that only this test knows; it has no streams yet."""
    server = NatsServer(tmp_path)
    with running(server):
        yield server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run one Postgres for all tests, with a migrated database as template."""
    server = PostgresServer(tmp_path_factory.mktemp("pg"))
    with running(server):
        asyncio.run(migration.migrate(server.url(TEMPLATE)))
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> str:
    """Return the address of a migrated database that only this test knows."""
    name = f"test_{next(_numbers)}"
    asyncio.run(_copy_template(postgres_server.url(), name))
    return postgres_server.url(name)


async def _copy_template(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'create database "{name}" template "{TEMPLATE}"')
    finally:
        await connection.close()
