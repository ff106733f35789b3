"""Serve one client over the WebSocket, until it disconnects or its login ends."""

import asyncio
import contextlib
import time
from typing import Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.live.feed import Feed
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.web.protocol import PAGE, PageProtocol
from consumers.gateway.web.sending import hold_of
from pitbox.postgres.errors import PostgresDown
from schemas.wall import Refused

TRY_AGAIN_LATER: Final = 1013  # RFC 6455's registry of close codes
NO_ACCESS: Final = 4401

encode: Final = msgspec.msgpack.Encoder().encode


@websocket("/live")
async def wall(
    socket: WebSocket[Any, Any, Any],
    feed: NamedDependency[Feed],
    auth: NamedDependency[Authenticator],
    sockets: NamedDependency[OpenSockets],
) -> None:
    """Exchange the messages of `schemas.wall` as binary msgpack.

    The query parameter `ticket` authenticates. Close codes: 4401 without a valid login, 1013 at the
    limit of clients or of memory.
    """
    visitor = await _visitor(socket, auth)
    if visitor is None:
        # A close before accept answers the handshake with 403.
        await socket.close(NO_ACCESS)
        return
    await socket.accept()
    if not sockets.make_room(visitor):
        await socket.close(TRY_AGAIN_LATER, "too many pages are open: close one, or try later")
        return
    revoked, crowded = asyncio.Event(), asyncio.Event()
    hold = hold_of(socket.scope)
    hold.own(visitor.person.account)
    hold.end = crowded.set
    page: PageProtocol = socket.scope["state"][PAGE]
    client = Outbox(page, hold=hold)
    page.on_room = client.flush
    sockets.add(client, visitor, revoked.set)
    # Wait on all of them: only a pending read notices that the client has disconnected.
    revocation, eviction = map(asyncio.ensure_future, (revoked.wait(), crowded.wait()))
    receiving = asyncio.ensure_future(_receive(socket, feed, client))
    tasks: list[asyncio.Future[Any]] = [revocation, eviction, receiving]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sockets.remove(client)
        client.clear()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    with contextlib.suppress(OSError, WebSocketDisconnect):
        if revocation in done:
            await socket.close(NO_ACCESS, "your access to this race has ended")
            return
        if eviction in done:
            await socket.close(TRY_AGAIN_LATER, "your pages read too slowly: close one")
            return
        done.pop().result()


async def _visitor(socket: WebSocket[Any, Any, Any], auth: Authenticator) -> Visitor | None:
    sid = auth.tickets.take(str(socket.query_params.get("ticket", "")), time.monotonic())
    if sid is None:
        return None
    try:
        return (await auth.visitors([sid])).get(sid)
    except PostgresDown:
        return None


async def _receive(socket: WebSocket[Any, Any, Any], feed: Feed, client: Outbox) -> None:
    while True:
        message: Any = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes") is not None:
            feed.receive(client, message["bytes"])
        else:
            client.put_fact("refused", encode(Refused(reason="send msgpack in binary messages")))
