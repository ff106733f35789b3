"""Attempts to let a small message cost its readers much time."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import sealed, unpack, unpack_block
from schemas.sim import LapReported
from schemas.telemetry import Chunk
from tests.attacks.scene import ATTACKER, OWN, Attempt, Scene
from tests.attacks.wire import Wire
from tests.tools.dear import START_NS, framed

REPORT: Final = LapReported(at_ns=START_NS, car="7", lap_number=1, lap_time_s=80.0, own=False)
CHUNKS: Final = {
    "4096 frames at one instant": framed(0, {}, frames=4096, gap_ns=0),
    "4096 frames within 4 ms": framed(0, {}, frames=4096, gap_ns=1000),
    "600 frames": framed(0, {}, frames=600),
    "a frame an hour after the other": framed(0, {}, frames=2, gap_ns=3_600_000_000_000),
    "lap numbers that alternate": framed(0, {"lap_number": lambda frame: frame % 2}, frames=500),
    "ten laps within 10 ms": framed(0, {"lap_number": float}, frames=10),
    "2500 reported laps": framed(0, {}, frames=1, events=[REPORT] * 2500),
}


def chunks() -> Iterator[Attempt]:
    """Yield every attempt."""
    for name, chunk in CHUNKS.items():
        own = sealed(msgspec.structs.replace(chunk, driver=ATTACKER, session="s"))
        yield Attempt("dear chunks", name, partial(_be_read, chunk=own))


async def _be_read(scene: Scene, chunk: Chunk) -> str:
    """Publish a chunk; a reader of an ordinary hub reads whatever unpacks."""
    wire = await Wire.open(scene.server, scene.file)
    try:
        wire.publish(OWN, msgspec.msgpack.encode(chunk))
        await wire.answers_ping()
    finally:
        await wire.close()
    received = msgspec.msgpack.decode(await scene.received(OWN), type=Chunk)
    try:
        if scene.control:
            unpack_block(received.block, received.frames, received.channels, received.captured_ns)
        else:
            unpack(received)
    except CorruptChunkError:
        return ""
    return f"{len(received.block) + len(received.observed)} bytes are read"
