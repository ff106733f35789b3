"""The limits of streams are compared with nats-server's limit and with its volume."""

import yaml

from pitbox import topology
from pitbox.topology import Topology, room


def with_telemetry(max_bytes: str) -> Topology:
    document = yaml.safe_load(topology.find().read_text())
    document["streams"]["TELEMETRY"]["max_bytes"] = max_bytes
    return topology.parse(yaml.safe_dump(document))


def test_nats_server_is_given_more_than_all_streams_may_take() -> None:
    for declared in (topology.load(), with_telemetry("900GB")):
        wanted = room.reserved_bytes(declared)
        assert room.store_bytes(declared) > wanted
        assert room.above_limit(declared, room.store_bytes(declared)) == ""
        assert room.above_volume(declared, wanted, "/x") == ""


def test_streams_that_do_not_fit_are_said_with_the_remedy() -> None:
    declared = with_telemetry("900GB")
    limit = room.store_bytes(topology.load())
    assert "max_file_store is 8.0 GB: lower max_bytes" in room.above_limit(declared, limit)
    said = room.above_volume(declared, 20_000_000_000, "/data/nats")
    assert "room for 20.0 GB at /data/nats: make room there" in said
