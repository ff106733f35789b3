"""What a nats-server holds, as whoever may look at all of it sees it."""

from typing import Any

import httpx
import msgspec
from nats.aio.client import Client

from pitbox.identity.authority import HUB
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import Kind
from pitbox.topology import Topology
from tests.tools.servers import NatsServer


async def state(client: Client, topology: Topology, of: str) -> Any:
    """Return what streams hold of a driver, how they are set, and where their durables are."""
    found: dict[str, Any] = {"names": await ask(client, "$JS.API.STREAM.NAMES")}
    found["names"] = sorted(found["names"].get("streams") or [])
    for stream in topology.streams:
        told = await ask(client, f"$JS.API.STREAM.INFO.{stream}", {"subjects_filter": ">"})
        held = told.get("state", {})
        subjects = held.get("subjects") or {}
        lists = await ask(client, f"$JS.API.CONSUMER.LIST.{stream}")
        found[stream] = (
            told.get("config"),
            {name for name in subjects if f".{of}." in name},
            held.get("first_seq"),
            {
                one["name"]: (one["ack_floor"], one["delivered"], one.get("paused"))
                for one in lists.get("consumers") or ()
            },
        )
    return found


async def unanswered(server: NatsServer) -> int:
    """Return how many questions without an answer nats-server remembers of drivers."""
    hub = KeyFolder(server.keys).pair(HUB, Kind.ACCOUNT).public
    told = await monitored(server, f"accountz?acc={hub}")
    return len(told["account_detail"].get("responses") or ())


async def monitored(server: NatsServer, what: str, host: str = "127.0.0.1") -> Any:
    """Return what the monitoring port of a nats-server tells; raises httpx.ConnectError."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://{host}:{server.monitor_port}/{what}")).json()


async def ask(client: Client, subject: str, question: Any = None) -> Any:
    """Return what nats-server answers."""
    payload = b"" if question is None else msgspec.json.encode(question)
    return msgspec.json.decode((await client.request(subject, payload, timeout=2)).data)
