"""The state of a nats-server in its own words, over its system account."""

from typing import Any

import msgspec
import nats

from pitbox.identity.credentials import Identity
from tests.tools.servers import NatsServer


async def monitored(server: NatsServer, what: str, question: Any = None) -> Any:
    """Return an answer of nats-server about itself, such as to VARZ or CONNZ."""
    client = await nats.connect(server.url, **Identity(server.administrator()).options())
    try:
        payload = b"" if question is None else msgspec.json.encode(question)
        answer = await client.request(f"$SYS.REQ.SERVER.PING.{what}", payload, timeout=2)
        return msgspec.json.decode(answer.data)["data"]
    finally:
        await client.close()
