"""The state of a nats-server, as its administrator sees it."""

from typing import Any

import msgspec
from nats.aio.client import Client

from pitbox.identity.authority import HUB
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import Kind
from pitbox.topology import Topology
from tests.tools.monitoring import monitored
from tests.tools.servers import NatsServer


async def state(client: Client, topology: Topology, of: str) -> Any:
    """Return a driver's messages in streams, and the settings and durables of the streams."""
    found: dict[str, Any] = {"names": await request(client, "$JS.API.STREAM.NAMES")}
    found["names"] = sorted(found["names"].get("streams") or [])
    for stream in topology.streams:
        info = await request(client, f"$JS.API.STREAM.INFO.{stream}", {"subjects_filter": ">"})
        held = info.get("state", {})
        subjects = held.get("subjects") or {}
        lists = await request(client, f"$JS.API.CONSUMER.LIST.{stream}")
        found[stream] = (
            info.get("config"),
            {name for name in subjects if f".{of}." in name},
            held.get("first_seq"),
            {
                one["name"]: (one["ack_floor"], one["delivered"], one.get("paused"))
                for one in lists.get("consumers") or ()
            },
        )
    return found


async def unanswered(server: NatsServer) -> int:
    """Return how many unanswered requests of drivers nats-server holds."""
    hub = KeyFolder(server.keys).pair(HUB, Kind.ACCOUNT).public
    account = await monitored(server, "ACCOUNTZ", {"account": hub})
    return len(account["account_detail"].get("responses") or ())


async def request(client: Client, subject: str, question: Any = None) -> Any:
    """Send a request to nats-server and return its answer."""
    payload = b"" if question is None else msgspec.json.encode(question)
    return msgspec.json.decode((await client.request(subject, payload, timeout=2)).data)
