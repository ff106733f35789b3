"""Watch live cars over N WebSockets of the gateway or of nats-server; print the latencies.

The sockets are raw, so that the measurement shows the server and not the client.
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import struct
import time
from typing import Final, Protocol, cast

import httpx
import msgspec
import uvloop

from pitbox import topology
from schemas.telemetry import Chunk
from schemas.wall import Frames, Subscribe, ToPage
from tests.bench.cars import BEFORE_LAST_NS

CHANNELS: Final = ("speed", "throttle", "brake", "gear", "engine_rpm", "steering_angle")
START_S: Final = 60.0
SETTLE_S: Final = 4.0
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
TIMED_CLIENTS: Final = 10
"""How many clients look into their messages; the others only count them."""


class Dialect(Protocol):
    """A server's protocol: how to subscribe, and the capture time of a frame."""

    @property
    def path(self) -> str:
        """Return the path of one more socket."""
        ...

    def opening(self) -> list[bytes]:
        """Return the messages that subscribe to all cars."""
        ...

    def captured_ns(self, message: bytes) -> int | None:
        """Return the capture time of a message's last frame, None for other messages."""
        ...


class Gateway:
    """The protocol of the pit wall's page; each token in turn opens a socket."""

    def __init__(self, address: str, tokens: list[str]) -> None:
        self._decode = msgspec.msgpack.Decoder(ToPage).decode
        self._rest = httpx.Client(base_url=f"{address}/api/v1")
        self._tokens = itertools.cycle(tokens)

    @property
    def path(self) -> str:
        """Return the path of one more socket, with its own ticket if one is needed."""
        token = next(self._tokens, None)
        if token is None:
            return "/api/v1/live"
        headers = {"authorization": f"Bearer {token}"}
        answer = self._rest.post("/ws-ticket", headers=headers)
        answer.raise_for_status()
        return f"/api/v1/live?ticket={answer.json()['ticket']}"

    def opening(self) -> list[bytes]:
        """Return the page's subscription."""
        return [msgspec.msgpack.encode(Subscribe(session="bench", channels=CHANNELS))]

    def captured_ns(self, message: bytes) -> int | None:
        """Return the capture time of the last frame."""
        frames = self._decode(message)
        if not isinstance(frames, Frames):
            return None
        return round(struct.unpack_from("<d", frames.times, len(frames.times) - 8)[0] * 1e6)


class NatsListener:
    """The NATS protocol over nats-server's own WebSocket."""

    @property
    def path(self) -> str:
        """Return the path of one more socket."""
        return "/"

    def __init__(self) -> None:
        self._subject = topology.load().filter("telemetry.live", session="bench")
        self._decode = msgspec.msgpack.Decoder(Chunk).decode

    def opening(self) -> list[bytes]:
        """Return a subscription to all cars."""
        options = b'CONNECT {"verbose":false,"pedantic":false,"tls_required":false}\r\n'
        return [options, f"SUB {self._subject} 1\r\n".encode()]

    def captured_ns(self, message: bytes) -> int | None:
        """Return the capture time of the last frame."""
        if not message.startswith(b"MSG "):
            return None
        head, payload = message.split(b"\r\n", 1)
        size = int(head.rsplit(b" ", 1)[1])
        return self._decode(payload[:size]).captured_ns + BEFORE_LAST_NS


class Client(asyncio.Protocol):
    """One socket: upgrade, subscribe, receive messages."""

    def __init__(self, dialect: Dialect, host: str, latencies: list[float] | None) -> None:
        self._dialect = dialect
        self._host = host
        self._latencies = latencies
        self._buffer = bytearray()
        self._open = False
        self.messages = 0
        self.received = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Request the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._dialect.path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://{self._host}\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Split the received bytes into messages."""
        self._buffer += data
        if not self._open:
            if b"\r\n\r\n" not in self._buffer:
                return
            head, rest = bytes(self._buffer).split(b"\r\n\r\n", 1)
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.decode())
            self._open, self._buffer = True, bytearray(rest)
            for message in self._dialect.opening():
                self._transport.write(masked(message))
        while (frame := self._next()) is not None:
            self._receive(*frame)

    def _next(self) -> tuple[int, bytes] | None:
        """Return a frame as opcode and payload (RFC 6455 section 5.2), None until it is whole."""
        if len(self._buffer) < 2:
            return None
        opcode, size, start = self._buffer[0] & 15, self._buffer[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(self._buffer[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(self._buffer[2:10]), 10
        if len(self._buffer) < start + size:
            return None
        payload = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return opcode, payload

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(masked(payload, PONG))
        elif opcode == CLOSE:
            raise ConnectionError("the server closed a socket during the measurement")
        else:
            self._take(payload)

    def _take(self, message: bytes) -> None:
        if self._latencies is not None:
            captured_ns = self._dialect.captured_ns(message)
            if captured_ns is None:
                return
            self._latencies.append((time.time_ns() - captured_ns) / 1e6)
        self.messages += 1
        self.received.set()


def masked(message: bytes, opcode: int = BINARY) -> bytes:
    """Return a client's WebSocket frame (RFC 6455), masked with zeros."""
    length = (
        struct.pack("!B", 128 | len(message))
        if len(message) < 126
        else struct.pack("!BH", 128 | 126, len(message))
    )
    return bytes([128 | opcode]) + length + bytes(4) + message


async def main() -> None:
    """Watch for some seconds; print latencies in ms and the number of messages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server", choices=["gateway", "nats"], required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--tokens", nargs="*", default=[])
    arguments = parser.parse_args()
    host = f"127.0.0.1:{arguments.port}"
    dialect: Dialect = (
        Gateway(f"http://{host}", arguments.tokens)
        if arguments.server == "gateway"
        else NatsListener()
    )
    latencies: list[float] = []
    clients = []
    for number in range(arguments.clients):
        timed = latencies if number < TIMED_CLIENTS else None
        client = Client(dialect, host, timed)
        await asyncio.get_running_loop().create_connection(
            lambda client=client: client, "127.0.0.1", arguments.port
        )
        clients.append(client)
    await asyncio.wait_for(_all_receive(clients), START_S)
    await asyncio.sleep(SETTLE_S)
    latencies.clear()
    before = sum(client.messages for client in clients)
    print("ready", flush=True)
    await asyncio.sleep(arguments.seconds)
    messages = sum(client.messages for client in clients) - before
    latencies.sort()
    figures = {"messages": messages, "p50_ms": at(latencies, 0.5), "p99_ms": at(latencies, 0.99)}
    print(json.dumps(figures), flush=True)


async def _all_receive(clients: list[Client]) -> None:
    """Wait until each client has received a message."""
    for client in clients:
        await client.received.wait()


def at(ordered: list[float], share: float) -> float:
    """Return a percentile."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


if __name__ == "__main__":
    uvloop.run(main())
