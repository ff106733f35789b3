"""The WebSocket: one client, let in by a ticket, served until it leaves or is turned out."""

import asyncio
import contextlib
import time
from typing import Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect

from consumers.gateway import metrics
from consumers.gateway.access.admissions import Admissions
from consumers.gateway.access.doors import Doors, Visitor
from consumers.gateway.live.feed import Live
from consumers.gateway.live.outbox import Outbox
from pitbox.postgres.errors import PostgresDown
from schemas.wall import Dropped, Refused

TRY_AGAIN_LATER: Final = 1013  # RFC 6455's registry of close codes
NO_ACCESS: Final = 4401

encode: Final = msgspec.msgpack.Encoder().encode


@websocket("/live")
async def wall(
    socket: WebSocket[Any, Any, Any],
    live: NamedDependency[Live],
    doors: NamedDependency[Doors],
    admissions: NamedDependency[Admissions],
) -> None:
    """Exchange the messages of `schemas.wall`, as binary msgpack."""
    visitor = await _visitor(socket, doors)
    if visitor is None:
        # Before it is accepted, so that the handshake is answered with 403.
        await socket.close(NO_ACCESS)
        return
    await socket.accept()
    if not admissions.make_room(visitor):
        await socket.close(TRY_AGAIN_LATER, "too many pages are connected")
        return
    awake, turned_out = asyncio.Event(), asyncio.Event()
    client = Outbox(awake.set)
    admissions.enter(client, visitor, turned_out.set)
    # All at once: a client that leaves shows only to who reads.
    leaving = asyncio.ensure_future(turned_out.wait())
    tasks: list[asyncio.Future[Any]] = [
        leaving,
        asyncio.ensure_future(_receive(socket, live, client)),
        asyncio.ensure_future(_send(socket, client, awake)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        admissions.leave(client)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    with contextlib.suppress(OSError, WebSocketDisconnect):
        if leaving in done:
            await socket.close(NO_ACCESS, "your access to this race has ended")
            return
        done.pop().result()


async def _visitor(socket: WebSocket[Any, Any, Any], doors: Doors) -> Visitor | None:
    sid = doors.tickets.take(str(socket.query_params.get("ticket", "")), time.monotonic())
    if sid is None:
        return None
    try:
        return (await doors.visitors([sid])).get(sid)
    except PostgresDown:
        return None


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
            metrics.sent.inc()


async def _send_one(socket: WebSocket[Any, Any, Any], message: bytes) -> None:
    await socket.send({"type": "websocket.send", "bytes": message, "text": None})
