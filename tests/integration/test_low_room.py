"""Room that runs low on the hub is reported before it is gone: log, page, metric and doctor."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from commands.hub.watch import Servers, Watch
from pitbox import topology
from pitbox.settings import Nats
from schemas.hub import HubState
from tests.tools import hub
from tests.tools.page import gateway_of, opened
from tests.tools.processes import environment
from tests.tools.servers import NatsServer, credentials, running
from tests.tools.volume import filled, small_volume

VOLUME_BYTES = 200_000_000
FREE_BYTES = 30_000_000
"""Less than a fifth of the volume, and enough to store."""

STREAM_BYTES = "4MB"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """Run a nats-server on a small volume."""
    server = NatsServer(tmp_path)
    with small_volume(server.store, VOLUME_BYTES), running(server):
        yield server


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """Return a streams.yaml whose streams fit the volume also while it is nearly full."""
    document = yaml.safe_load(topology.find().read_text())
    for stream in document["streams"].values():
        stream["max_bytes"] = STREAM_BYTES
    file = tmp_path / "streams.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


async def test_low_room_is_in_the_log_on_the_page_and_in_the_metrics_until_it_ends(
    server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(server.url)
    async with (
        gateway_of(server.url, database, tmp_path) as served,
        opened(served) as page,
        watching(server, database) as lines,
    ):
        await page.watch("test", "speed")
        assert not (await page.receive(HubState)).low_room
        with filled(server.store, free_bytes=FREE_BYTES):
            low = await page.receive(HubState, lambda state: state.low_room)
            assert 0 < low.free_bytes <= FREE_BYTES
            assert not low.nats_refuses
            assert metric("pitbox_hub_low_room") == 1
            assert metric("pitbox_hub_free_bytes") <= FREE_BYTES
            assert [line for line in lines if f"GB are free at {server.store}: make room" in line]
        await page.receive(HubState, lambda state: not state.low_room)
        assert metric("pitbox_hub_low_room") == 0
    assert len(lines) == 2


def test_the_doctor_reports_low_room_with_the_remedy_and_is_well_again(
    server: NatsServer, database: str, streams: Path
) -> None:
    asyncio.run(hub.apply(server.url))
    with filled(server.store, free_bytes=FREE_BYTES):
        found = room_found(server, database, streams)
        assert not found["well"]
        assert found["detail"].startswith("0.0 GB free at ")
        assert found["detail"].endswith("make room")
    assert room_found(server, database, streams)["well"]


def metric(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


def room_found(server: NatsServer, database: str, streams: Path) -> dict[str, Any]:
    """Return what `pitbox doctor` finds about the room of streams."""
    done = subprocess.run(
        [sys.executable, "-m", "commands", "doctor", "--json"],
        env=environment(server, database) | {"PITBOX_STREAMS": str(streams)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    [found] = [one for one in json.loads(done.stdout) if one["what"] == "room of streams"]
    assert found["well"] or done.returncode == 1
    return dict(found)


@contextlib.asynccontextmanager
async def watching(server: NatsServer, database: str) -> AsyncIterator[list[str]]:
    """Watch a nats-server and its volume; yield the lines that a person sees."""
    lines: list[str] = []
    servers = Servers(
        nats=Nats(url=server.url, credentials=str(credentials(server.url))),
        store=server.store,
        database=database,
        cluster=server.store,
        persister="",
        show=lambda _, line: lines.append(line),
        restart=lambda name, reason: lines.append(f"{name} restarts: {reason}"),
    )
    watch = asyncio.create_task(Watch(servers, topology.load(), every_s=0.1).run())
    try:
        yield lines
        assert not watch.done()
    finally:
        watch.cancel()
        await asyncio.wait({watch})
