"""The hot path: chunks of frames, and marks with the number of chunks that a run has.

Both are `array_like` and alone in their stream; new fields go at the end, with a default.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.text import text

CHUNK_VERSION: Final = 2
"""Chunks of version 1, whose `crc` covers less, are decoded for ever."""

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
"""First and last number of consecutive chunks, both included."""


class Identity(Struct, array_like=True, frozen=True, gc=False):
    """Read the leading fields of a chunk or mark, which are the same in every version."""

    tag: int | str
    version: Number
    driver: Token
    session: Token
    run: Number
    chunk: ChunkNumber
    send: Number


class Chunk(Struct, array_like=True, frozen=True, tag=1, gc=False):
    """Carry consecutive frames of one car: the unit that is spooled, sent, stored and receipted.

    `(session, driver, run, chunk)` is its identity; `send` grows with every publish and is never
    reused. `block` is packed by `pitbox.chunks.frames`; `observed` holds msgpack-encoded
    `schemas.sim` events of the chunk's time, so that they share its identity and its receipt.
    `crc` is `pitbox.chunks.frames.crc_of` of all other fields except `send`; in version 1 it covers
    `block` and `observed` alone.
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
    """State how many chunks a run has made: tail probe, manifest and close in one.

    A mark follows its chunks through the stream. `gone` are the ranges that can never come.
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
