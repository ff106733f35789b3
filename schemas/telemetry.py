"""The hot path: chunks of frames, and the marks that say how many there are.

Both are `array_like` and alone in their stream; new fields go at the end, with a default.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.text import text

CHUNK_VERSION: Final = 1
MAX_FRAMES: Final = 4096
MAX_CHANNELS: Final = 1024
MAX_BLOCK_BYTES: Final = 200_000

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
NAME_WORDS: Final = "1 to 64 letters, digits, - and _, of which the first is a letter or digit"
Token = Annotated[str, text(NAME, NAME_WORDS)]
"""A name that may stand in a subject, a path and an address."""

Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
ChunkNumber = Annotated[int, Meta(ge=0, le=2**31 - 2)]
Range = tuple[ChunkNumber, ChunkNumber]
"""First and last chunk number of a run of chunks, both included."""


class Identity(Struct, array_like=True, frozen=True, gc=False):
    """Read what every version of a chunk begins with, for ever."""

    tag: int | str
    version: Number
    driver: Token
    session: Token
    run: Number
    chunk: ChunkNumber
    send: Number


class Chunk(Struct, array_like=True, frozen=True, tag=1, gc=False):
    """Carry a run of frames of one car: the unit that is spooled, sent, stored and acknowledged.

    `(session, driver, run, chunk)` is its identity; `send` grows with every publish and is never
    reused. `block` is packed by `pitbox.chunks.frames`; `observed` holds msgpack-encoded
    `schemas.sim` events that were seen within the chunk, so that they share its identity and its
    receipt.
    `crc` is the crc32 of `block + observed`.
    """

    version: Number
    driver: Token
    session: Token
    run: Number
    chunk: ChunkNumber
    send: Number
    first_frame: Number
    frames: Annotated[int, Meta(ge=0, le=MAX_FRAMES)]
    captured_ns: Number
    channels: Annotated[bytes, Meta(max_length=MAX_CHANNELS // 8)]
    crc: Annotated[int, Meta(ge=0, lt=2**32)]
    block: Annotated[bytes, Meta(max_length=MAX_BLOCK_BYTES)]
    observed: Annotated[bytes, Meta(max_length=MAX_BLOCK_BYTES)] = b""


class Mark(Struct, array_like=True, frozen=True, tag=2, gc=False):
    """Say how many chunks a run has made: tail probe, manifest and close in one.

    It travels through the stream behind the chunks. `gone` are the ranges that can never come.
    """

    version: Number
    driver: Token
    session: Token
    run: Number
    send: Number
    made: ChunkNumber
    closed: bool
    gone: tuple[Range, ...] = ()


Telemetry = Chunk | Mark
