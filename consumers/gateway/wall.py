"""The WebSocket: one client, served until it leaves."""

import asyncio
import contextlib
from typing import Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect

from consumers.gateway import measures
from consumers.gateway.live import Live
from consumers.gateway.outbox import Outbox
from schemas.wall import Dropped, Refused

TRY_AGAIN_LATER: Final = 1013  # RFC 6455's registry of close codes

encode: Final = msgspec.msgpack.Encoder().encode


@websocket("/live")
async def wall(socket: WebSocket[Any, Any, Any], live: NamedDependency[Live]) -> None:
    """Exchange the messages of `schemas.wall`, as binary msgpack."""
    await socket.accept()
    if live.full:
        await socket.close(TRY_AGAIN_LATER, "too many pages are connected")
        return
    awake = asyncio.Event()
    client = Outbox(awake.set)
    live.join(client)
    # Both at once: a client that leaves shows only to who reads.
    tasks = [
        asyncio.ensure_future(_receive(socket, live, client)),
        asyncio.ensure_future(_send(socket, client, awake)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        live.leave(client)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    with contextlib.suppress(OSError, WebSocketDisconnect):
        done.pop().result()


async def _receive(socket: WebSocket[Any, Any, Any], live: Live, client: Outbox) -> None:
    while True:
        message: Any = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes") is not None:
            live.hear(client, message["bytes"])
        else:
            client.put_fact("refused", encode(Refused(reason="send msgpack, as binary messages")))


async def _send(socket: WebSocket[Any, Any, Any], client: Outbox, awake: asyncio.Event) -> None:
    told = 0
    while True:
        await awake.wait()
        awake.clear()
        while (message := client.take()) is not None:
            if client.dropped != told:
                told = client.dropped
                await _send_one(socket, encode(Dropped(count=told)))
            await _send_one(socket, message)
            measures.sent.inc()


async def _send_one(socket: WebSocket[Any, Any, Any], message: bytes) -> None:
    await socket.send({"type": "websocket.send", "bytes": message, "text": None})
