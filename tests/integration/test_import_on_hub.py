"""Recordings are imported on the hub, for a driver whom the command enrols."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from consumers.keys.service import service as keys
from consumers.persister.service import service as persister
from pitbox.identity import credentials
from tests.tools.hub import Database, apply, serving, settings_of
from tests.tools.processes import pitbox
from tests.tools.servers import NatsServer

RECORDING = Path("iracing") / "red-bull-ring_w13_2024-build_6.5s.ibt"
STORED = "select count(*) from telemetry where driver = 'kai'"


@pytest.fixture
async def hub(nats_server: NatsServer, database: str) -> AsyncIterator[Database]:
    """Run the services that an import needs."""
    await apply(nats_server.url)
    settings = settings_of(nats_server.url, database)
    async with serving(persister(settings)), serving(keys(settings)):
        yield Database(database)


async def test_an_import_on_the_hub_names_its_driver(
    hub: Database, nats_server: NatsServer, database: str, data_dir: Path
) -> None:
    def imported(*arguments: str) -> Awaitable[subprocess.CompletedProcess[str]]:
        files = str(data_dir / RECORDING)
        return asyncio.to_thread(pitbox, nats_server, database, "import", *arguments, files)

    nameless = await imported()
    assert nameless.returncode == 2
    assert nameless.stderr == (
        "pitbox: no driver is enrolled on this PC. On the hub say whose laps these are: "
        "`pitbox import --driver NAME FILE`\n"
    )
    first = await imported("--driver", "kai")
    assert (first.returncode, first.stderr) == (0, "")
    assert "of kai" in first.stdout
    assert first.stdout.endswith("Postgres has all of them\n")
    stored = await hub.value(STORED)
    assert stored > 0
    file = nats_server.keys / "drivers" / "kai.creds"
    key = credentials.read(file).claimed.sub
    assert (await imported("--driver", "kai")).returncode == 0
    assert credentials.read(file).claimed.sub == key
    assert await hub.value(STORED) == stored

    await asyncio.to_thread(pitbox, nats_server, database, "driver", "revoke", "kai")
    refused = await imported("--driver", "kai")
    assert refused.returncode == 2
    assert refused.stderr.startswith("pitbox: kai is revoked: `pitbox driver enrol kai")
