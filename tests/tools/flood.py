"""A driver who sends the dearest chunks, up to a part of the allowance, until it is ended."""

import base64
import itertools
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from pitbox.chunks.frames import sealed
from pitbox.identity import credentials
from pitbox.settings import Allowance
from schemas.sim import LapReported
from schemas.telemetry import Chunk
from tests.tools.dear import CHUNK_NS, START_NS, framed

DRIVER: Final = "eve"
SESSIONS: Final = 8
TICK_S: Final = 0.02
REPORTS: Final = tuple(
    LapReported(at_ns=START_NS + lap, car=str(lap % 200), lap_number=lap, lap_time_s=80, own=False)
    for lap in range(512)
)
FIRST: Final[dict[str, tuple[Chunk, ...]]] = {
    "small": (
        framed(0, {"lap_number": float}, frames=2),
        framed(0, {"session_time": lambda frame: 50.0 - frame * 20}, frames=2),
    ),
    "large": (
        framed(0, {"lap_distance": lambda frame: frame % 2 * 10.0}),
        framed(0, {"session_time": lambda frame: frame % 2 * 10.0}),
        framed(0, {"lap_number": lambda frame: frame // 64}),
    ),
    "reports": (framed(0, {}, frames=1, events=REPORTS),),
}
"""One chunk of each kind; the others differ in number and time. Every second number is a hole."""


def messages(kind: str) -> Iterator[bytes]:
    """Yield messages of the wire, each with another chunk."""
    encode = msgspec.msgpack.Encoder().encode
    chunks = itertools.cycle(FIRST[kind])
    for number in itertools.count():
        session, place = f"s{number % SESSIONS}", number // SESSIONS * 2
        chunk = replace(
            next(chunks), session=session, chunk=place, captured_ns=START_NS + place * CHUNK_NS
        )
        payload = encode(sealed(chunk))
        subject = f"telemetry.{DRIVER}.{session}.live".encode()
        yield b"PUB %b %d\r\n%b\r\n" % (subject, len(payload), payload)


def connected(port: int, file: Path) -> socket.socket:
    """Return a connection to nats-server with a driver's credentials."""
    who = credentials.read(file)
    wire = socket.create_connection(("127.0.0.1", port))
    nonce = msgspec.json.decode(wire.makefile("rb").readline().removeprefix(b"INFO "))["nonce"]
    sig = base64.b64encode(who.pair.sign(nonce.encode())).decode()
    options = {"verbose": False, "jwt": who.jwt, "sig": sig}
    wire.sendall(b"CONNECT %s\r\n" % msgspec.json.encode(options))
    return wire


def main(port: int, file: Path, kind: str, part: float) -> None:
    """Send without end; `part` is of the allowance, above which a driver is suspended."""
    allowed, many = Allowance(), messages(kind)
    most_messages = part * TICK_S * allowed.messages_per_s
    most_bytes = part * TICK_S * allowed.bytes_per_s
    due_s = time.monotonic()
    with connected(port, file) as wire:
        while True:
            batch: list[bytes] = []
            while len(batch) < most_messages and sum(map(len, batch)) < most_bytes:
                batch.append(next(many))
            wire.sendall(b"".join(batch))
            due_s = max(due_s + TICK_S, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
