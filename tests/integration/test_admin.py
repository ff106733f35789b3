"""Streams and durables are changed to match streams.yaml, and nothing else is changed."""

from pathlib import Path

import pytest
import yaml

from pitbox import topology
from pitbox.nats.pull import Pull
from pitbox.topology import TopologyError, admin
from tests.tools.hub import apply, chunk, connected, send, streams_with
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


def with_route(folder: Path, stream: str, name: str, subject: str) -> str:
    """Write a streams.yaml in which a stream has one more route, and return its path."""
    document = yaml.safe_load(topology.find().read_text())
    document["streams"][stream]["routes"][name] = {"subject": subject, "events": ["timing.lap"]}
    path = folder / f"{stream}.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


async def filters(url: str, stream: str = "TELEMETRY") -> list[str] | None:
    async with connected(url) as bus:
        return (await bus.jetstream.consumer_info(stream, "persister")).config.filter_subjects


async def test_a_durable_that_reads_a_whole_stream_has_one_filter_for_everything(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    assert await filters(nats_server.url) == await filters(nats_server.url, "DEAD") == [">"]


async def test_a_durable_of_an_earlier_hub_gets_its_new_filter_and_keeps_its_place(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    async with connected(nats_server.url, "persister") as bus, connected(nats_server.url) as driver:
        routes = bus.topology.durables("persister")["TELEMETRY"]
        both = [bus.topology.filter(route) for route in routes]
        earlier = admin.consumer_config(bus.topology, "persister", "TELEMETRY")
        await bus.jetstream.add_consumer("TELEMETRY", earlier.evolve(filter_subjects=both))
        await send(driver, [chunk(number) for number in range(10)])
        reader = Pull(bus, "persister", "TELEMETRY")
        read = await reader.batch(4, 5)
        await reader.ack(read)
        done = await apply(nats_server.url)
        assert [f"{change.action} {change.consumer}" for change in done] == ["update persister"]
        assert await apply(nats_server.url) == []
        await send(driver, [chunk(number) for number in range(10, 20)], "telemetry.live")
        while len(read) < 20:
            more = await reader.batch(20, 5)
            assert more
            read += more
        await reader.close()
    assert [(one.sequence, one.tries) for one in read] == [(place, 1) for place in range(1, 21)]


async def test_a_stream_gets_a_subject_only_after_its_readers_got_filters(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    await apply(nats_server.url)
    more = with_route(tmp_path, "TELEMETRY", "telemetry.note", "telemetry.{driver}.{session}.note")
    done = [str(change).split(" (")[0] for change in await apply(nats_server.url, more)]
    assert done == ["update consumer TELEMETRY/persister", "update stream TELEMETRY"]
    assert await filters(nats_server.url) == [
        "telemetry.*.*.backfill",
        "telemetry.*.*.live",
    ]
    assert await planned(nats_server.url, more) == []
    back = [str(change).split(" (")[0] for change in await apply(nats_server.url)]
    assert back == ["update stream TELEMETRY", "update consumer TELEMETRY/persister"]
    assert await filters(nats_server.url) == [">"]


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
