"""Streams and durables are changed to match streams.yaml, and nothing else is changed."""

from pathlib import Path

import pytest
import yaml

from pitbox import topology
from pitbox.topology import TopologyError, admin
from tests.tools.hub import apply, connected, streams_with
from tests.tools.servers import NatsServer


async def planned(url: str, streams: str = "") -> list[str]:
    async with connected(url, streams=streams) as bus:
        return [str(change) for change in await admin.plan(bus.jetstream, bus.topology)]


async def test_an_empty_server_gets_every_stream_before_its_durables(
    nats_server: NatsServer,
) -> None:
    assert await planned(nats_server.url) == [str(c) for c in await apply(nats_server.url)]
    async with connected(nats_server.url) as bus:
        names = {info.config.name for info in await bus.jetstream.streams_info()}
        assert names == set(bus.topology.streams)
        for stream in bus.topology.durables("persister"):
            await bus.jetstream.consumer_info(stream, "persister")


async def test_applying_twice_changes_nothing(nats_server: NatsServer) -> None:
    await apply(nats_server.url)
    assert await planned(nats_server.url) == []
    assert await apply(nats_server.url) == []


async def test_a_backoff_is_not_a_difference(nats_server: NatsServer, tmp_path: Path) -> None:
    streams = streams_with(tmp_path, "persister", backoff=["1s", "5s"])
    await apply(nats_server.url, streams)
    assert await planned(nats_server.url, streams) == []


async def test_a_changed_limit_is_one_update_that_names_it(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    await apply(nats_server.url)
    streams = streams_with(tmp_path, "persister", max_ack_pending=77)
    plan = await planned(nats_server.url, streams)
    assert len(plan) == 2
    assert all("max_ack_pending: 20000 -> 77" in line for line in plan)
    await apply(nats_server.url, streams)
    assert await planned(nats_server.url, streams) == []


async def test_a_durable_with_another_ack_policy_is_replaced(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    await apply(nats_server.url)
    streams = streams_with(tmp_path, "persister", ack="explicit", ack_all=[])
    done = [str(change) for change in await apply(nats_server.url, streams)]
    assert [line.split(" (")[0] for line in done] == ["replace consumer TELEMETRY/persister"]
    assert await planned(nats_server.url, streams) == []


async def test_a_change_that_nats_server_refuses_is_reported_with_its_reason(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    await apply(nats_server.url)
    document = yaml.safe_load(topology.find().read_text())
    document["streams"]["TIMING"]["storage"] = "memory"
    streams = tmp_path / "streams.yaml"
    streams.write_text(yaml.safe_dump(document))
    with pytest.raises(TopologyError, match=r"update stream TIMING .*nats-server refused"):
        await apply(nats_server.url, str(streams))


async def test_undeclared_streams_and_durables_are_deleted_only_by_prune(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        await bus.jetstream.add_stream(name="STRANGER", subjects=["stranger.>"])
        await bus.jetstream.add_consumer("TELEMETRY", durable_name="stranger")
        assert await admin.apply(bus.jetstream, bus.topology) == []
        pruned = await admin.apply(bus.jetstream, bus.topology, prune=True)
        assert [str(change) for change in pruned] == [
            "delete consumer TELEMETRY/stranger",
            "delete stream STRANGER",
        ]
        assert await admin.plan(bus.jetstream, bus.topology) == []


async def test_a_stream_larger_than_the_store_is_refused_with_the_reason(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    document = yaml.safe_load(topology.find().read_text())
    document["streams"]["TELEMETRY"]["max_bytes"] = "9000GB"
    path = tmp_path / "streams.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(TopologyError, match="create stream TELEMETRY: nats-server refused"):
        await apply(nats_server.url, str(path))


async def test_a_stream_is_created_although_files_are_left_of_an_earlier_one(
    nats_server: NatsServer,
) -> None:
    async with connected(nats_server.url) as bus:
        await bus.jetstream.add_stream(name="OTHER", subjects=["other"])
    [streams] = nats_server.store.glob("jetstream/*/streams")
    # nats-server refuses the stream once, and then removes this file.
    (streams / "FOLDS").touch()
    assert "create stream FOLDS" in [str(change) for change in await apply(nats_server.url)]
